"""Children of a what-if: what-ifs of the child runs that its source had (contract 05)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.core import wire
from app.core.ids import is_id
from app.core.states import RunStatus, StageStatus, TriggerType, is_final
from app.core.wire import JSON
from app.engine.instance import ChildCall
from app.engine.planner.reach import changed_members
from app.models import Snapshot, StageRun
from app.models.base import raw
from app.models.journal_sql import Version
from app.services.runs import forking, start
from app.services.runs.child import check_ancestors
from app.services.runs.forking import Origin
from app.services.runs.variants import Variant, read_variant
from app.services.runs.what_if import with_reach


def is_kept_in(parent: Mapping[str, Any]) -> bool:
    """Whether children of this run are as dry as it is, or forks as it is one."""
    return parent["document"] is not None and (
        parent["trigger_type"] == TriggerType.WHAT_IF or read_variant(parent["document"]).is_dry
    )


def dry_document(parent: Mapping[str, Any]) -> str | None:
    """The `document` of an awaited child that the source did not have."""
    is_dry = read_variant(parent["document"]).is_dry
    return Variant(is_dry=True).text() if is_dry else None


def forked_row(
    parent: Mapping[str, Any],
    call: ChildCall,
    input: Mapping[str, JSON],
    variables: Mapping[str, JSON],
) -> dict[str, Any] | None:
    """The row of an awaited child that the source had: a fork of it at its end. None when the
    source had none, or one of another pipeline.

    Raises StageError CONTROL_FLOW, ValidationFailed for an input that the child does not accept.
    """
    origin = _recorded_child(parent, call)
    if origin is None or not _is_meant(call.inputs, origin.row):
        return None
    version = _version(origin)
    check_ancestors(parent, version)
    forking.checked_input(origin.plan(), input)
    changes: dict[str, JSON] = {
        "input": _changed(origin.input(), input),
        "vars": _changed(origin.variables(), variables),
    }
    variant = replace(
        origin.document, is_dry=read_variant(parent["document"]).is_dry, changes=changes
    )
    return {
        **start.child_row(parent, version, call.run_id, input, variables),
        "trigger_type": TriggerType.WHAT_IF.value,
        "trigger_id": origin.row.id,
        "forked_from_run_id": origin.row.id,
        "forked_from_snapshot_id": origin.snapshot_id,
        "document": with_reach(origin, variant, input, variables).text(),
    }


def _recorded_child(parent: Mapping[str, Any], call: ChildCall) -> Origin | None:
    """The child run that this stage run had in the parent's source, at its last snapshot."""
    run_id = _recorded_child_id(parent["forked_from_run_id"], call)
    if not (isinstance(run_id, str) and is_id(run_id, "run")):
        return None  # there was none, or the output was given and says what it likes
    row = forking.source_row(parent["org_id"], run_id)
    newest: Any = Snapshot.select(Snapshot.id, Snapshot.seq).where(Snapshot.run == run_id)
    last = newest.order_by(Snapshot.seq.desc()).tuples().first()
    if row is None or last is None or not is_final(RunStatus(row.status)):
        return None
    return Origin(row, *last)


def _recorded_child_id(source_id: str | None, call: ChildCall) -> JSON:
    stage_id, path, round = call.key
    stored: Any = StageRun.select(StageRun.status, raw(StageRun.output), raw(StageRun.error)).where(
        StageRun.run == source_id,
        StageRun.stage_id == stage_id,
        StageRun.iteration_path == ".".join(map(str, path)),
        StageRun.round == round,
    )
    found = stored.tuples().first()
    if found is None:
        return None
    status, output, error = found
    if status == StageStatus.COMPLETED:
        told = wire.read(output)
        return told.get("run_id") if isinstance(told, dict) else None
    return _told_of(wire.read(error)) if status == StageStatus.FAILED else None


def _told_of(error: Mapping[str, Any]) -> JSON:
    """The child that a failure tells of; that of the last attempt, when there were several."""
    details = error["details"]
    cause = details.get("cause") or {"details": {}}
    return details.get("child_run_id") or cause["details"].get("child_run_id")


def _is_meant(inputs: Any, child: Any) -> bool:
    """Whether the stage still names the pipeline that the recorded child is a run of."""
    pipeline, _, version = inputs.pipeline_id.partition("@")
    version = inputs.pipeline_version or version
    is_same = pipeline in (child.pipeline_id, child.pipeline_name)
    return is_same and version in ("", child.pipeline_version)


def _version(origin: Origin) -> Version:
    row = origin.row
    return Version(
        row.pipeline_version_id, row.pipeline_version, row.pipeline_id, row.pipeline_name
    )


def _changed(recorded: Mapping[str, JSON], present: Mapping[str, JSON]) -> dict[str, JSON]:
    names = changed_members(recorded, present)
    return {name: value for name, value in present.items() if name in names}
