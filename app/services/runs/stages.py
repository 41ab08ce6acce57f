"""Stage runs as callers see them (contract 03, StageRun): stored ones, then those not started."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import config
from app.core.states import RunStatus, StageStatus
from app.core.wire import JSON
from app.engine.planner import ROOT, Plan
from app.models import StageRun, stage_slices
from app.models.base import raw
from app.models.stage_slices import NEVER, Place
from app.services.runs.events import embedded, time_text

BODY_INSTANCES_SHOWN = 200


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
    outside, bodies = indexes(plan, outside=True), indexes(plan, outside=False)
    outer = stage_slices.ordered(run_id, outside, len(outside))
    inner = stage_slices.ordered(run_id, bodies, BODY_INSTANCES_SHOWN + 1)
    begun = {row["stage_id"] for row in outer}
    rows = [*outer, *inner[:BODY_INSTANCES_SHOWN], *unbegun(plan, run, begun)]
    rows.sort(key=lambda row: row["place"])
    return views(rows, _fitting(rows)), len(inner) > BODY_INSTANCES_SHOWN


def indexes(plan: Plan, outside: bool) -> dict[str, int]:
    """Place in the document by stage id, of the stages outside bodies or of those in some."""
    return {
        name: stage.index for name, stage in plan.stages.items() if (stage.body == ROOT) is outside
    }


def _fitting(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of those whose outputs an answer has room for."""
    left, fitting = config.settings().max_output_bytes, set()
    for row in rows:
        if row["size"] is not None and row["size"] <= left:
            left -= row["size"]
            fitting.add(row["id"])
    return fitting


def views(rows: Sequence[Mapping[str, Any]], fitting: Collection[str]) -> list[dict[str, JSON]]:
    """Rows of `stage_slices` or `unbegun` in wire form, with the outputs of those of the ids
    `fitting`; the others' are left out."""
    # What has an output is final: it is still the one whose size was read.
    stored: Any = StageRun.select(StageRun.id, raw(StageRun.output))
    outputs = dict(stored.where(StageRun.id.in_(list(fitting))).tuples()) if fitting else {}
    return [_view(row, outputs.get(row["id"])) for row in rows]


def _view(row: Mapping[str, Any], output: str | None) -> dict[str, JSON]:
    path = row["place"].path
    left_out = {"output_truncated": True} if row["size"] is not None and output is None else {}
    return {
        "id": row["id"] if row["attempt"] else None,
        "stage_id": row["stage_id"],
        "stage_name": row["stage_name"],
        "component_type": row["component_type"],
        "status": row["status"],
        "attempt": row["attempt"],
        "round": row["round"],
        "iteration": path[-1] if path else None,
        "iteration_path": list(path),
        "skip_reason": row["skip_reason"],
        "started_at": row["started_at"] and time_text(row["started_at"]),
        "completed_at": row["completed_at"] and time_text(row["completed_at"]),
        "duration_ms": row["duration_ms"],
        "output": embedded(output),
        **left_out,
        "usage": embedded(row["usage"]),
        "error": embedded(row["error"]),
        "reused": bool(row["reused"]),
        "logs": embedded(row["logs"]) or [],
    }


_ENDED = {
    RunStatus.COMPLETED: (StageStatus.SKIPPED, "return"),
    RunStatus.FAILED: (StageStatus.SKIPPED, "run_failed"),
    RunStatus.CANCELLED: (StageStatus.CANCELLED, None),
}


def unstarted(plan: Plan) -> list[dict[str, JSON]]:
    """The stages outside bodies, as they are before the run begins."""
    return [_view(row, None) for row in unbegun(plan, RunStatus.PENDING, ())]


def unbegun(plan: Plan, run: RunStatus, begun: Collection[str]) -> Iterator[dict[str, Any]]:
    """A row for each stage outside bodies that has none yet: what it is follows from how the run
    stands. `begun` are the ids of those that have one."""
    status, reason = _ENDED.get(run, (StageStatus.PENDING, None))
    for name, index in indexes(plan, outside=True).items():
        if name not in begun:
            stage = plan.stages[name].stage
            yield dict.fromkeys(stage_slices.COLUMNS) | {
                "stage_id": name,
                "stage_name": stage.name,
                "component_type": stage.component_type,
                "status": status.value,
                "attempt": 0,
                "round": 0,
                "skip_reason": reason,
                "size": None,
                "place": Place(NEVER, index),
            }
