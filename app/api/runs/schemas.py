"""Runs in the API document (contract 03, Shapes)."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields
from marshmallow.validate import Length, OneOf, Range

from app.api.fields import Flag, FreeForm, Instant, QueryNumber, Several, StrictSchema, Text
from app.api.paging import PageQuery
from app.core import wire
from app.core.states import RunStatus, TriggerType

_METADATA_BYTES = 16 * 1024
_OR_NULL = {"required": True, "allow_none": True}


def _small(value: dict[str, Any]) -> None:
    if len(wire.canonical(value)) > _METADATA_BYTES:
        raise ValidationError(f"Longer than {_METADATA_BYTES} bytes.")


class BreakpointIn(StrictSchema):
    """Where a run pauses. Without `stage_id` it is for all errors; `condition` is an expression."""

    stage_id = Text(load_default=None, allow_none=True)
    condition = Text(load_default=None, allow_none=True)
    on_error = Flag(load_default=False)


class BreakpointField(fields.Nested):
    """A breakpoint of a request: the id of a stage, or an object."""

    is_also_text = True  #: told by the API's document

    def __init__(self) -> None:
        super().__init__(BreakpointIn())

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            return super()._deserialize(value, attr, data, **kwargs)
        return Text().deserialize(value, attr, data)


class BreakpointOut(Schema):
    """A breakpoint: before a stage, on `condition` when there is one, or before its failure takes
    effect; without `stage_id` before that of any stage."""

    stage_id = fields.String(**_OR_NULL)
    condition = fields.String(**_OR_NULL)
    on_error = fields.Boolean(required=True)


class RunIn(StrictSchema):
    """A run to start. `pipeline_id` is an id or a name, with `@version` or without."""

    pipeline_id = Text(required=True, validate=Length(1, 300), metadata={"example": "my-pipeline"})
    input = FreeForm(load_default=dict)
    priority = Text(load_default="normal", validate=OneOf(["low", "normal", "high"]))
    metadata = FreeForm(load_default=dict, validate=_small)
    breakpoints = fields.List(BreakpointField(), load_default=list)
    stop_on_entry = Flag(load_default=False)


class RunsQuery(PageQuery):
    """Which runs to list. `pipeline_id` is an id or a name, with `@version` or without; without
    `trigger` the runs of tests are left out; neither of the times is itself within."""

    status = Several(Text(validate=OneOf(list(RunStatus))), load_default=None)
    pipeline_id = Text(load_default=None)
    trigger = Text(load_default=None, validate=OneOf(list(TriggerType)))
    parent_run_id = Text(load_default=None)
    created_after = Instant(load_default=None)
    created_before = Instant(load_default=None)


class EventsQuery(StrictSchema):
    """Which events to list."""

    after_seq = QueryNumber(load_default=0)
    limit = QueryNumber(load_default=200, validate=Range(1, 1000))


class RunErrorOut(Schema):
    """Why a run or stage failed."""

    type = fields.String(required=True)
    message = fields.String(required=True)
    stage_id = fields.String(**_OR_NULL)
    retryable = fields.Boolean(required=True)
    details = fields.Dict(required=True)


class StageRunOut(Schema):
    """One stage, iteration and round of a run."""

    id = fields.String(**_OR_NULL)
    stage_id = fields.String(required=True)
    stage_name = fields.String(**_OR_NULL)
    component_type = fields.String(required=True)
    status = fields.String(required=True)
    attempt = fields.Integer(required=True)
    round = fields.Integer(required=True)
    iteration = fields.Integer(**_OR_NULL)
    iteration_path = fields.List(fields.Integer(), required=True)
    skip_reason = fields.String(**_OR_NULL)
    started_at = fields.DateTime(**_OR_NULL)
    completed_at = fields.DateTime(**_OR_NULL)
    duration_ms = fields.Integer(**_OR_NULL)
    output = fields.Raw(**_OR_NULL)
    output_truncated = fields.Boolean(metadata={"description": "Absent unless it is true."})
    usage = fields.Dict(**_OR_NULL)
    error = fields.Nested(RunErrorOut, **_OR_NULL)
    reused = fields.Boolean(required=True)
    logs = fields.List(fields.Dict(), required=True)


class RunSummaryOut(Schema):
    """A run, as lists show it."""

    id = fields.String(required=True)
    run_id = fields.String(required=True)
    pipeline_id = fields.String(**_OR_NULL, metadata={"description": "Null: it is not saved"})
    pipeline_name = fields.String(required=True)
    pipeline_version = fields.String(**_OR_NULL)
    status = fields.String(required=True)
    error = fields.Nested(RunErrorOut, **_OR_NULL)
    usage = fields.Dict(required=True)
    trigger = fields.Dict(required=True)
    parent_run_id = fields.String(**_OR_NULL)
    forked_from = fields.Dict(**_OR_NULL)
    priority = fields.String(required=True)
    created_by = fields.String(**_OR_NULL)
    auth_type = fields.String(**_OR_NULL)
    metadata = fields.Dict(required=True)
    trace_id = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    started_at = fields.DateTime(**_OR_NULL)
    completed_at = fields.DateTime(**_OR_NULL)
    duration_ms = fields.Integer(**_OR_NULL)


class RunOut(RunSummaryOut):
    """A run with its stages."""

    input = fields.Dict(required=True)
    output = fields.Raw(**_OR_NULL)
    stages = fields.List(fields.Nested(StageRunOut), required=True)
    stages_truncated = fields.Boolean(required=True)
    breakpoints = fields.List(fields.Nested(BreakpointOut), required=True)


class ProgressOut(Schema):
    """Stages outside bodies: how many are done, of how many."""

    completed = fields.Integer(required=True)
    total = fields.Integer(required=True)


class RunStatusOut(Schema):
    """Where a run stands."""

    run_id = fields.String(required=True)
    status = fields.String(required=True)
    progress = fields.Nested(ProgressOut, required=True)
    current_stage_ids = fields.List(fields.String(), required=True)
    paused_before = fields.String(**_OR_NULL)
    error = fields.Nested(RunErrorOut, **_OR_NULL)


class EventOut(Schema):
    """A stored event; the other members depend on `type` (contract 03, Events)."""

    seq = fields.Integer(required=True)
    type = fields.String(required=True)
    run_id = fields.String(required=True)
    timestamp = fields.DateTime(required=True)

    class Meta:
        unknown = INCLUDE


class EventListOut(Schema):
    """Events, oldest first; `next` is the last seq, or null when there are no more."""

    items = fields.List(fields.Nested(EventOut), required=True)
    next = fields.Integer(**_OR_NULL)
