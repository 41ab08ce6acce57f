"""Pipelines in the API document. Documents are judged by the engine, not by these."""

from __future__ import annotations

from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf

from app.api.fields import FreeForm, QueryFlag, Several, StrictSchema, Text
from app.api.paging import PageQuery
from app.engine.validation.checks import MAX_TAGS

_TEXT_OR_NULL = {"required": True, "allow_none": True}


class StageIn(Schema):
    """One stage (contract 01, Stage)."""

    id = fields.String(required=True)
    component_type = fields.String(required=True, metadata={"example": "json_transform"})
    name = fields.String(allow_none=True)
    config = fields.Dict()
    depends_on = fields.List(fields.String())
    when = fields.String(allow_none=True)
    timeout_ms = fields.Integer(allow_none=True)
    retry = fields.Dict()
    on_error = fields.String(metadata={"enum": ["fail", "continue"]})
    llm = fields.Dict(allow_none=True)
    position = fields.Dict(allow_none=True)


class DocumentIn(Schema):
    """A pipeline document (contract 01, Document)."""

    name = fields.String(required=True, metadata={"example": "my-pipeline"})
    version = fields.String(allow_none=True, metadata={"example": "1.0.0"})
    description = fields.String()
    input_schema = fields.Dict()
    output_schema = fields.Dict()
    stages = fields.List(fields.Nested(StageIn))
    output_stage_id = fields.String(allow_none=True)
    output_config = fields.Dict(allow_none=True)
    max_concurrency = fields.Integer()
    tags = fields.List(fields.String())
    category = fields.String(allow_none=True)
    is_template = fields.Boolean()
    sample_input = fields.Raw(allow_none=True)
    metadata = fields.Dict()


class ChangesIn(DocumentIn):
    """Members of a document: an absent one keeps its value, null resets it to the default."""

    name = fields.String(metadata={"example": "my-pipeline"})

    def on_bind_field(self, field_name: str, field_obj: fields.Field) -> None:
        """All but the name have a default."""
        field_obj.allow_none = field_name != "name"


class PipelineOut(DocumentIn):
    """A pipeline and its newest saved document."""

    id = fields.String(required=True)
    org_id = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["draft", "published"]})
    version = fields.String(required=True)
    published_version = fields.String(**_TEXT_OR_NULL)
    published_at = fields.DateTime(**_TEXT_OR_NULL)
    last_test_run_id = fields.String(**_TEXT_OR_NULL)
    created_by = fields.String(**_TEXT_OR_NULL)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class FindingOut(Schema):
    """One thing wrong in a document, or worth a look."""

    pointer = fields.String(required=True, metadata={"example": "/stages/0/config/url"})
    code = fields.String(required=True, metadata={"example": "missing-config"})
    message = fields.String(required=True)


class PlanOut(Schema):
    """What runs after what: `order` is topological, ties by place in the document."""

    order = fields.List(fields.String(), required=True)
    dependencies = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), required=True
    )
    owners = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Owned stage to the stage that runs it"},
    )


class ValidationOut(Schema):
    """All that is wrong with a document; warnings never block. `plan` is null when invalid."""

    valid = fields.Boolean(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    problems = fields.List(fields.Nested(FindingOut), required=True)
    warnings = fields.List(fields.Nested(FindingOut), required=True)
    plan = fields.Nested(PlanOut, required=True, allow_none=True)


class ValidateIn(StrictSchema):
    """A run input to hold against the pipeline's input_schema."""

    input = FreeForm(load_default=None, allow_none=True)


class PipelineSummary(Schema):
    """A pipeline in a list."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    version = fields.String(required=True)
    status = fields.String(required=True)
    published_version = fields.String(**_TEXT_OR_NULL)
    stage_count = fields.Integer(required=True)
    category = fields.String(**_TEXT_OR_NULL)
    tags = fields.List(fields.String(), required=True)
    is_template = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class PipelineQuery(PageQuery):
    """Which pipelines to list."""

    status = Text(load_default=None, validate=OneOf(["draft", "published"]))
    category = Text(load_default=None)
    tag = Several(
        Text(),
        load_default=(),
        validate=Length(max=MAX_TAGS),
        metadata={"description": "May be repeated; all of them must match"},
    )
    q = Text(load_default="", metadata={"description": "Part of name or description, in any case"})
    is_template = QueryFlag(load_default=None)


class CloneIn(StrictSchema):
    """What to call the copy."""

    name = Text(load_default=None, allow_none=True, metadata={"example": "my-pipeline-copy"})


class PublishIn(StrictSchema):
    """Which version to publish, and a run that has shown that it works."""

    version = Text(load_default=None, allow_none=True, metadata={"example": "1.0.0"})
    test_run_id = Text(
        load_default=None,
        allow_none=True,
        metadata={"description": "A completed run, or a passed test run, of exactly that version"},
    )


class UnpublishIn(StrictSchema):
    """Nothing: every published version is withdrawn."""


class UnpublishedOut(Schema):
    """A pipeline that is a draft again; `version` was its highest published one."""

    pipeline_id = fields.String(required=True)
    version = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["draft"]})
    message = fields.String(required=True)


class PublishedOut(Schema):
    """A version that is published."""

    pipeline_id = fields.String(required=True)
    version = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["published"]})
    published_at = fields.DateTime(required=True)
    message = fields.String(required=True)


class PipelineVersionOut(Schema):
    """A saved version. `digest` is the SHA-256 of its canonical document."""

    id = fields.String(required=True)
    pipeline_id = fields.String(required=True)
    version = fields.String(required=True)
    published = fields.Boolean(required=True)
    published_at = fields.DateTime(**_TEXT_OR_NULL)
    digest = fields.String(required=True)
    created_by = fields.String(**_TEXT_OR_NULL)
    created_at = fields.DateTime(required=True)


class PipelineVersionDetail(PipelineVersionOut):
    """A saved version with its document."""

    document = fields.Nested(DocumentIn, required=True)
