"""Stage runs as callers see them (contract 03, StageRun): stored ones, then those not started."""

from __future__ import annotations

from typing import Any

import config
from app.core import clock
from app.core.states import RunStatus, StageStatus
from app.core.wire import JSON
from app.engine.planner import ROOT, Plan
from app.models import StageRun
from app.models.base import raw
from app.services.runs.events import bounded_output, embedded

BODY_INSTANCES_SHOWN = 200

_COLUMNS = (
    StageRun.id,
    StageRun.stage_id,
    StageRun.stage_name,
    StageRun.component_type,
    StageRun.status,
    StageRun.attempt,
    StageRun.round,
    StageRun.iteration_path,
    StageRun.skip_reason,
    StageRun.started_at,
    StageRun.completed_at,
    StageRun.duration_ms,
    StageRun.reused,
    *(raw(column) for column in (StageRun.output, StageRun.usage, StageRun.error, StageRun.logs)),
)


def standing(run_id: str, plan: Plan, run: RunStatus) -> tuple[dict[str, StageStatus], list[str]]:
    """Stage id -> status of the stages outside bodies; and the ids of all stages that run, in order
    of their start."""
    rows: Any = (
        StageRun.select(StageRun.stage_id, StageRun.status)
        .where(
            StageRun.run == run_id,
            (StageRun.iteration_path == "") | (StageRun.status == StageStatus.RUNNING),
        )
        .order_by(StageRun.started_at, StageRun.round, StageRun.id)
    )
    stored = list(rows.tuples())
    running = [stage_id for stage_id, status in stored if status == StageStatus.RUNNING]
    known, unknown = dict(stored), _ENDED.get(run, (StageStatus.PENDING, None))[0]
    outside = [name for name, stage in plan.stages.items() if stage.body == ROOT]
    shown = {name: StageStatus(known[name]) if name in known else unknown for name in outside}
    return shown, list(dict.fromkeys(running))


def bounded(run_id: str, plan: Plan, run: RunStatus) -> tuple[list[dict[str, JSON]], bool]:
    """The stage runs that an answer shows, in the contract's order; True when some are left out."""
    in_body = [name for name, stage in plan.stages.items() if stage.body[0] is not None]
    stored: Any = StageRun.select(*_COLUMNS).where(StageRun.run == run_id)
    rows = list(stored.where(StageRun.stage_id.not_in(in_body)).dicts())
    bodies = stored.where(StageRun.stage_id.in_(in_body)).order_by(StageRun.started_at, StageRun.id)
    inner = list(bodies.limit(BODY_INSTANCES_SHOWN + 1).dicts()) if in_body else []
    rows += inner[:BODY_INSTANCES_SHOWN]
    rows.sort(key=lambda row: _place(row, plan))
    begun = {row["stage_id"] for row in rows}
    shown = _with_outputs([row for row in rows if row["started_at"] is not None])
    shown += [_stored(row) for row in rows if row["started_at"] is None]
    shown += [stage for stage in unstarted(plan, run) if stage["stage_id"] not in begun]
    return shown, len(inner) > BODY_INSTANCES_SHOWN


def _place(row: dict[str, Any], plan: Plan) -> tuple[Any, ...]:
    # Started ones by their start; then those decided without one, by the document.
    started, index = row["started_at"], plan.stages[row["stage_id"]].index
    return (started is None, started or index, index, _path(row), row["round"])


def _path(row: dict[str, Any]) -> list[int]:
    return [int(part) for part in row["iteration_path"].split(".") if part]


def _with_outputs(rows: list[dict[str, Any]]) -> list[dict[str, JSON]]:
    left, shown = config.settings().max_output_bytes, []
    for row in rows:
        size = len((row["output"] or "").encode())
        shown.append(_stored(row, left))
        left -= size if size <= left else 0
    return shown


def _stored(row: dict[str, Any], output_limit: int = 0) -> dict[str, JSON]:
    path = _path(row)
    return {
        "id": row["id"] if row["attempt"] else None,
        "stage_id": row["stage_id"],
        "stage_name": row["stage_name"],
        "component_type": row["component_type"],
        "status": row["status"],
        "attempt": row["attempt"],
        "round": row["round"],
        "iteration": path[-1] if path else None,
        "iteration_path": path,
        "skip_reason": row["skip_reason"],
        "started_at": row["started_at"] and clock.text(row["started_at"]),
        "completed_at": row["completed_at"] and clock.text(row["completed_at"]),
        "duration_ms": row["duration_ms"],
        **bounded_output(row["output"], output_limit),
        "usage": embedded(row["usage"]),
        "error": embedded(row["error"]),
        "reused": row["reused"],
        "logs": embedded(row["logs"]) or [],
    }


_ENDED = {
    RunStatus.COMPLETED: (StageStatus.SKIPPED, "return"),
    RunStatus.FAILED: (StageStatus.SKIPPED, "run_failed"),
    RunStatus.CANCELLED: (StageStatus.CANCELLED, None),
}


def unstarted(plan: Plan, run: RunStatus = RunStatus.PENDING) -> list[dict[str, JSON]]:
    """The stages outside bodies, as they are while they have no row."""
    return [
        _unstarted(name, plan, run) for name, stage in plan.stages.items() if stage.body[0] is None
    ]


def _unstarted(stage_id: str, plan: Plan, run: RunStatus) -> dict[str, JSON]:
    """A stage without a row: what it is follows from how the run stands."""
    stage = plan.stages[stage_id].stage
    status, reason = _ENDED.get(run, (StageStatus.PENDING, None))
    return {
        "id": None,
        "stage_id": stage_id,
        "stage_name": stage.name,
        "component_type": stage.component_type,
        "status": status.value,
        "attempt": 0,
        "round": 0,
        "iteration": None,
        "iteration_path": [],
        "skip_reason": reason,
        "started_at": None,
        "completed_at": None,
        "duration_ms": None,
        "output": None,
        "usage": None,
        "error": None,
        "reused": False,
        "logs": [],
    }
