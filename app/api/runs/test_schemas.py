"""Suites, tests and their results in the API document (contract 05, Tests)."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema
from marshmallow.validate import Length, OneOf, Range

from app.api.fields import Flag, FreeForm, Map, StrictSchema, Text, Whole
from app.api.runs.schemas import RunErrorOut
from app.core.errors import ERROR_TYPES
from app.engine.assertions import ASSERTION_TYPES

_OR_NULL = {"required": True, "allow_none": True}
_LEFT_OUT = {"description": "Absent unless it is true."}


class AssertionIn(StrictSchema):
    """What is to be true at a place, `output.items.0["odd key"]` for instance; empty or `$` is the
    whole. It begins at `output`, `status`, `error` or `stages`, of `stage_assertions` at the
    stage's output. `tolerance` is of closeTo."""

    path = Text(required=True)
    type = Text(metadata={"enum": list(ASSERTION_TYPES), "default": "exists"})
    value = fields.Raw(allow_none=True)
    message = Text(allow_none=True)
    tolerance = fields.Raw(metadata={"type": "number", "default": 1e-9})


class MockErrorIn(StrictSchema):
    """What every attempt of a stage fails with."""

    type = Text(required=True, validate=OneOf(ERROR_TYPES))
    message = Text(required=True)
    retryable = Flag(load_default=False)


class MockIn(StrictSchema):
    """What answers in place of a component: exactly one of these. `outputs`: in a body, one for
    each iteration, the last repeating."""

    output = FreeForm()
    outputs = fields.List(FreeForm(), validate=Length(min=1))
    error = fields.Nested(MockErrorIn)

    @validates_schema(skip_on_field_errors=False)
    def _one(self, given: dict[str, Any], **_: Any) -> None:
        if len(given) > 1:
            raise ValidationError("Give exactly one of output, outputs and error.")

    @validates_schema
    def _any(self, given: dict[str, Any], **_: Any) -> None:
        if not given:
            raise ValidationError("Give exactly one of output, outputs and error.")


class ExpectedErrorIn(StrictSchema):
    """How a run is to fail; what is absent may be anything."""

    type = Text(load_default=None, allow_none=True, validate=OneOf(ERROR_TYPES))
    message_contains = Text(load_default=None, allow_none=True)
    stage_id = Text(load_default=None, allow_none=True)


class ExpectedError(fields.Field):
    """true, a part of the message, or an object of ExpectedErrorIn."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if value is True:
            return ExpectedErrorIn().load({})
        if isinstance(value, str):
            return ExpectedErrorIn().load({"message_contains": value})
        if isinstance(value, dict):
            return ExpectedErrorIn().load(value)
        raise ValidationError("Must be true, a part of the message, or an object.")


class TestIn(StrictSchema):
    """One test: a run with this input."""

    name = Text(required=True, validate=Length(1, 200))
    from_run = Text(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "extra: A recorded run that supplies this test with its input, and with"
            " mocks of what its effectful and model stages gave that the document still has; what"
            " the test says itself goes before"
        },
    )
    input = FreeForm(metadata={"default": {}})
    mocks = Map(
        fields.Nested(MockIn),
        load_default=dict,
        metadata={"description": "By stage id or component type; a stage's id wins"},
    )
    live = fields.List(Text(), load_default=list)
    assertions = fields.List(fields.Nested(AssertionIn), load_default=list)
    stage_assertions = Map(fields.List(fields.Nested(AssertionIn)), load_default=dict)
    expect_error = ExpectedError(load_default=None, allow_none=True)
    timeout_ms = Whole(load_default=30_000, validate=Range(100, 600_000))
    skip = Flag(load_default=False)
    tags = fields.List(Text(), load_default=list)


class SuiteIn(StrictSchema):
    """Tests that belong together."""

    name = Text(required=True, validate=Length(1, 200))
    description = Text(load_default=None, allow_none=True)
    tests = fields.List(fields.Nested(TestIn), required=True, validate=Length(1, 100))


class TestsIn(StrictSchema):
    """Exactly one of `pipeline_id`, `document` and `from_run`, and a suite. Without a suite
    `from_run` is one test; with one it gives mocks and input to tests that have none, and name no
    run of their own."""

    pipeline_id = Text(load_default=None, allow_none=True, validate=Length(1, 300))
    document = FreeForm(load_default=None, allow_none=True)
    from_run = Text(load_default=None, allow_none=True)
    suite = fields.Nested(SuiteIn, load_default=None, allow_none=True)
    fail_fast = Flag(load_default=False)


class TestAcceptedOut(Schema):
    """A test run that is taken."""

    test_id = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["pending"]})


class TestProgressOut(Schema):
    """How many tests are over, of how many."""

    completed = fields.Integer(required=True)
    total = fields.Integer(required=True)


_STATUSES = ["pending", "running", "passed", "failed", "errored"]


class TestStatusOut(Schema):
    """Where a test run stands."""

    test_id = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": _STATUSES})
    progress = fields.Nested(TestProgressOut, required=True)


class AssertionOut(Schema):
    """How an assertion turned out. An error that was expected and did not come is told as a last
    one of type expect_error."""

    path = fields.String(required=True)
    type = fields.String(required=True)
    stage_id = fields.String(**_OR_NULL)
    passed = fields.Boolean(required=True)
    expected = fields.Raw(**_OR_NULL)
    actual = fields.Raw(**_OR_NULL)
    actual_truncated = fields.Boolean(metadata=_LEFT_OUT)
    message = fields.String(**_OR_NULL)


class TestOut(Schema):
    """How a test turned out."""

    name = fields.String(required=True)
    status = fields.String(
        required=True, metadata={"enum": ["passed", "failed", "skipped", "errored"]}
    )
    run_id = fields.String(**_OR_NULL)
    duration_ms = fields.Integer(required=True)
    error = fields.Nested(RunErrorOut, **_OR_NULL)
    output = fields.Raw(**_OR_NULL)
    output_truncated = fields.Boolean(metadata=_LEFT_OUT)
    assertions = fields.List(fields.Nested(AssertionOut), required=True)


class TestSummaryOut(Schema):
    """How many tests turned out how."""

    total = fields.Integer(required=True)
    passed = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    skipped = fields.Integer(required=True)
    errored = fields.Integer(required=True)


class CoverageOut(Schema):
    """What all tests together saw of the stages; `executed_stages` counts those that ran or were
    answered for by a mock."""

    total_stages = fields.Integer(required=True)
    executed_stages = fields.Integer(required=True)
    percentage = fields.Float(required=True)
    stages = fields.Dict(
        keys=fields.String(),
        values=fields.String(
            metadata={"enum": ["executed", "mocked", "failed", "skipped", "not_reached"]}
        ),
        required=True,
    )


class TestSuiteOut(Schema):
    """What came of a test run."""

    test_id = fields.String(required=True)
    name = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": _STATUSES[2:]})
    pipeline_id = fields.String(**_OR_NULL)
    pipeline_version = fields.String(**_OR_NULL)
    started_at = fields.DateTime(required=True)
    completed_at = fields.DateTime(required=True)
    duration_ms = fields.Integer(required=True)
    summary = fields.Nested(TestSummaryOut, required=True)
    tests = fields.List(fields.Nested(TestOut), required=True)
    coverage = fields.Nested(CoverageOut, required=True)
