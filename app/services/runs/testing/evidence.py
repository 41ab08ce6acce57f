"""What a finished run of a test shows: its output, and its stages as assertions see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import peewee

from app.core import wire
from app.core.errors import RunError
from app.core.states import RunStatus, StageStatus
from app.core.wire import JSON
from app.engine.planner import Plan
from app.models import Run, StageRun
from app.models.base import raw
from app.services.runs.stages import unbegun

_STAGE_RUNS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TestedRun:
    """One run of a test, as far as its row tells; `test` is the test's name."""

    __test__ = False

    id: str
    test: str
    status: RunStatus
    error: RunError | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which stages are asked about, and of which the output; None: of all."""

    stages: frozenset[str] | None
    outputs: frozenset[str] | None


def runs_of(test_id: str) -> dict[str, TestedRun]:
    """The runs of a test run, by the names of their tests."""
    columns = (Run.id, Run.metadata, Run.status, raw(Run.error), Run.duration_ms)
    # In these words, which are those of the index: SQLite compares texts.
    of_test = (Run.trigger_id == test_id) & peewee.SQL("trigger_type = 'test'")
    rows: Any = Run.select(*columns).where(of_test).order_by(Run.id).namedtuples()
    return {run.test: run for run in map(_tested, rows)}


def _tested(row: Any) -> TestedRun:
    error = RunError.from_json(wire.read(row.error)) if row.error else None
    name = row.metadata["test"]
    return TestedRun(row.id, name, RunStatus(row.status), error, row.duration_ms)


def output_text(run_id: str) -> str | None:
    """The output of a run, as JSON text; None when it has none."""
    query: Any = Run.select(raw(Run.output), Run.output_stage_run_id).where(Run.id == run_id)
    output, stage_run_id = query.tuples().get()
    if stage_run_id is None:
        return None if output is None else str(output)
    return _outputs([stage_run_id])[stage_run_id]


def _outputs(stage_run_ids: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for at in range(0, len(stage_run_ids), _STAGE_RUNS_AT_ONCE):
        some = stage_run_ids[at : at + _STAGE_RUNS_AT_ONCE]
        query: Any = StageRun.select(StageRun.id, raw(StageRun.output))
        found |= dict(query.where(StageRun.id.in_(some)).tuples())
    return found


def stages_of(run: TestedRun, plan: Plan, wanted: Wanted) -> dict[str, JSON]:
    """`{status, output, attempts}` by stage id; of several instances the last: that of the last
    iteration, and of its last round. A stage inside a body that never ran is left out."""
    last = _last_ones(run.id, wanted.stages)
    told = {
        row["stage_id"]: {"status": row["status"], "output": None, "attempts": 0}
        for row in unbegun(plan, run.status, last)
    }
    asked = last if wanted.outputs is None else wanted.outputs & last.keys()
    outputs = _outputs([last[stage_id].id for stage_id in asked])
    for stage_id, row in last.items():
        text = outputs.get(row.id)
        output = None if text is None else wire.read(text)
        told[stage_id] = {"status": row.status, "output": output, "attempts": row.attempt}
    return {stage_id: told[stage_id] for stage_id in plan.stages if stage_id in told}


def _last_ones(run_id: str, stage_ids: Iterable[str] | None) -> dict[str, Any]:
    columns = (
        StageRun.id,
        StageRun.stage_id,
        StageRun.iteration_path,
        StageRun.round,
        StageRun.status,
        StageRun.attempt,
    )
    query: Any = StageRun.select(*columns).where(StageRun.run == run_id)
    if stage_ids is not None:
        query = query.where(StageRun.stage_id.in_(list(stage_ids)))
    last: dict[str, Any] = {}
    for row in query.namedtuples():
        known = last.get(row.stage_id)
        if known is None or _place(row) > _place(known):
            last[row.stage_id] = row
    return last


def _place(row: Any) -> tuple[list[int], int]:
    return [int(index) for index in row.iteration_path.split(".") if index], row.round


def statuses_of(run_id: str) -> Mapping[str, set[StageStatus]]:
    """How the stage runs of a run stand, each status once, by stage id."""
    query: Any = StageRun.select(StageRun.stage_id, StageRun.status).where(StageRun.run == run_id)
    found: dict[str, set[StageStatus]] = {}
    for stage_id, status in query.distinct().tuples():
        found.setdefault(stage_id, set()).add(StageStatus(status))
    return found
