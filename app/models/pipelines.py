"""Pipelines and their saved versions (contract 10)."""

from __future__ import annotations

from typing import Any

import peewee

from app.infra.database import is_postgres
from app.models.base import IdRecord, JsonText, OrgRecord, UTCDateTime


class Pipeline(OrgRecord):
    """A name that versions are saved under; the other columns copy what lists show."""

    id_prefix = "pl"

    name = peewee.TextField()
    status = peewee.TextField(default="draft")
    current_version_id = peewee.TextField()
    published_version_id = peewee.TextField(null=True)
    description = peewee.TextField(default="")
    category = peewee.TextField(null=True)
    tags = JsonText(default=list)
    is_template = peewee.BooleanField(default=False)
    etag = peewee.TextField()
    last_test_run_id = peewee.TextField(null=True)
    created_by = peewee.TextField(null=True)
    published_at = UTCDateTime(null=True)
    updated_at = UTCDateTime()
    deleted_at = UTCDateTime(null=True)

    class Meta:
        table_name = "pipelines"
        indexes = ((("org", "updated_at"), False),)

    @classmethod
    def live(cls, org_id: str, *columns: Any) -> Any:
        """The pipelines of one organisation that are not deleted."""
        return cls.of(org_id, *columns).where(cls.deleted_at.is_null())

    @classmethod
    def is_tagged(cls, tag: str) -> Any:
        """Whether `tag` is one of a pipeline's tags, exactly."""
        if is_postgres():
            each = peewee.fn.jsonb_array_elements_text(peewee.Cast(cls.tags, "jsonb"))
            return peewee.Value(tag).in_(peewee.Select(columns=(each,)))
        each = peewee.fn.json_each(cls.tags)
        return peewee.Value(tag).in_(peewee.Select((each,), (peewee.SQL("value"),)))


Pipeline.add_index(
    Pipeline.index(
        Pipeline.org,
        Pipeline.name,
        unique=True,
        where=Pipeline.deleted_at.is_null(),
        name="pipelines_live_name",
    )
)


class PipelineVersion(IdRecord):
    """A saved document. It never changes; `sort_key` orders versions as SemVer 2.0.0 says."""

    id_prefix = "plv"

    pipeline = peewee.ForeignKeyField(Pipeline, on_delete="CASCADE", column_name="pipeline_id")
    version = peewee.TextField()
    sort_key = peewee.TextField()
    document = JsonText()
    digest = peewee.TextField()
    published_at = UTCDateTime(null=True)
    created_by = peewee.TextField(null=True)

    class Meta:
        table_name = "pipeline_versions"
        indexes = ((("pipeline", "version"), True),)
