"""Snapshots in the API document (contract 05, Snapshots)."""

from __future__ import annotations

from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from app.api.fields import StrictSchema, Text
from app.api.paging import PageQuery
from app.api.runs.schemas import RunErrorOut

_OR_NULL = {"required": True, "allow_none": True}
_TYPES = ("run_start", "stage_complete", "stage_failed", "stage_skipped")


def _absent(description: str) -> dict[str, str]:
    return {"description": f"Absent when there is none: {description}"}


_CUT = "what is null here because it passes FLOWMASON_MAX_OUTPUT_BYTES with the others."


class SnapshotsQuery(PageQuery):
    """Which snapshots to list."""

    stage_id = Text(load_default=None)
    snapshot_type = Text(load_default=None, validate=OneOf(_TYPES))


class DiffQuery(StrictSchema):
    """Two snapshots; without `to` that at the cursor, without `from` the one before `to`."""

    from_ = Text(load_default=None, data_key="from")
    to = Text(load_default=None)


class StepIn(StrictSchema):
    """Where to step from; the cursor when absent."""

    from_snapshot_id = Text(load_default=None, allow_none=True)


class SnapshotSummaryOut(Schema):
    """The start of a run, or the end of a stage."""

    id = fields.String(required=True)
    run_id = fields.String(required=True)
    seq = fields.Integer(required=True)
    snapshot_type = fields.String(required=True, validate=OneOf(_TYPES))
    stage_id = fields.String(**_OR_NULL)
    stage_name = fields.String(**_OR_NULL)
    component_type = fields.String(**_OR_NULL)
    round = fields.Integer(required=True)
    iteration = fields.Integer(**_OR_NULL)
    iteration_path = fields.List(fields.Integer(), required=True)
    status = fields.String(**_OR_NULL)
    timestamp = fields.DateTime(required=True)
    duration_ms = fields.Integer(**_OR_NULL)


class SnapshotOut(SnapshotSummaryOut):
    """The state of a run at that point. `accumulated_outputs` holds the stages outside of bodies
    that had completed, and those of the same iteration; the newest are shown first."""

    input = fields.Dict(required=True)
    stage_input = fields.Raw(**_OR_NULL)
    stage_input_truncated = fields.Boolean(metadata=_absent("the input is too large."))
    stage_output = fields.Raw(**_OR_NULL)
    stage_output_truncated = fields.Boolean(metadata=_absent("the output is too large."))
    accumulated_outputs = fields.Dict(required=True)
    outputs_truncated = fields.List(fields.String(), metadata=_absent(_CUT))
    variables = fields.Dict(required=True)
    variables_truncated = fields.List(fields.String(), metadata=_absent(_CUT))
    completed_stages = fields.List(fields.String(), required=True)
    pending_stages = fields.List(fields.String(), required=True)
    error = fields.Nested(RunErrorOut, **_OR_NULL)
    usage = fields.Dict(**_OR_NULL)


class CursorOut(Schema):
    """Where the viewing cursor stands; -1 without snapshots."""

    current_index = fields.Integer(required=True)
    can_step_back = fields.Boolean(required=True)
    can_step_forward = fields.Boolean(required=True)


class StepOut(SnapshotOut, CursorOut):
    """The state where the cursor stands now."""


class TimelineEntryOut(SnapshotSummaryOut):
    """A line of a timeline; previews are the first 100 characters of JSON."""

    is_current = fields.Boolean(required=True)
    has_output = fields.Boolean(required=True)
    output_preview = fields.String(**_OR_NULL)
    error_preview = fields.String(**_OR_NULL)


class TimelineOut(CursorOut):
    """The whole history of a run."""

    run_id = fields.String(required=True)
    pipeline_id = fields.String(required=True)
    status = fields.String(required=True)
    total_snapshots = fields.Integer(required=True)
    total_duration_ms = fields.Integer(**_OR_NULL)
    entries = fields.List(fields.Nested(TimelineEntryOut), required=True)
    current_snapshot_id = fields.String(**_OR_NULL)


class ChangeOut(Schema):
    """A value in the one state and in the other."""

    old = fields.Raw(**_OR_NULL)
    new = fields.Raw(**_OR_NULL)


def _changes() -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.Nested(ChangeOut), required=True)


class StateDiffOut(Schema):
    """What changed from one state to another of the same run."""

    from_snapshot_id = fields.String(required=True)
    to_snapshot_id = fields.String(required=True)
    added_outputs = fields.Dict(required=True)
    modified_outputs = _changes()
    removed_outputs = fields.List(fields.String(), required=True)
    outputs_truncated = fields.List(fields.String(), metadata=_absent(_CUT))
    added_variables = fields.Dict(required=True)
    modified_variables = _changes()
    removed_variables = fields.List(fields.String(), required=True)
    variables_truncated = fields.List(fields.String(), metadata=_absent(_CUT))
    stages_completed = fields.List(fields.String(), required=True)
    duration_ms = fields.Integer(required=True)
    tokens_used = fields.Integer(required=True)
