"""A run's state is always its stage rows, fed in order through the code that made them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import peewee

import config
from app.core import clock, wire
from app.core.errors import RunError
from app.core.ids import new_id
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.control import Pause
from app.engine.coordinator import Coordinator, RunFacts
from app.engine.instance import UNLOADED, Instance, Key
from app.engine.planner import Plan
from app.infra.database import database
from app.models import RunEvent, StageRun
from app.models.base import raw
from app.services.runs import events
from app.services.runs.breakpoints import to_obey
from app.services.runs.claim import Lease
from app.services.runs.standins import doubles_of
from app.services.runs.variants import read_variant

READ_AHEAD = 200
_FINISHED = (StageStatus.COMPLETED, StageStatus.FAILED, StageStatus.SKIPPED)


class StoredOutputs:
    """Outputs of a rebuilt run, read when something refers to them.

    What a loop collects is asked for in the order in which it was stored, so each reading takes
    the next ones along.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._ahead: dict[str, str | None] = {}

    def load(self, instance_id: str) -> JSON:
        """The output of one stage run."""
        if instance_id not in self._ahead:
            next_ones: Any = (
                StageRun.select(StageRun.id, raw(StageRun.output))
                .where(StageRun.run == self.run_id, StageRun.id >= instance_id)
                .order_by(StageRun.id)
                .limit(READ_AHEAD)
            )
            self._ahead = dict(next_ones.tuples())
        return _read(self._ahead[instance_id])


def restore(lease: Lease) -> tuple[Coordinator, list[str]]:
    """The coordinator as it stood, and the ids of the rows that are stored. Raises SourceGone."""
    facts, plan = facts_of(lease.row, lease.started_at), lease.plan
    outputs, doubles = StoredOutputs(lease.run_id), doubles_of(lease.row)
    if lease.row["began"] is None and doubles.source is None:
        return Coordinator(plan, facts, outputs, _new_id, doubles=doubles), []
    rows = stored_rows(lease.run_id, plan)
    finished = [(row, seq) for row, seq in rows if is_finished(row)]
    coordinator = Coordinator.rebuild(
        plan,
        facts,
        outputs,
        _new_id,
        [row for row, _ in finished],
        # Cancelled ones too: their keys are taken, and what cancelled them follows from the others.
        [row for row, _ in rows if not is_finished(row)],
        lease.now(),
        list(pauses_of(lease.run_id, [seq for _, seq in finished], lease.now())),
        to_obey(lease.breakpoints),
        doubles,
    )
    return coordinator, [row.id for row, _ in rows]


def _new_id() -> str:
    return new_id("stg")


def facts_of(row: Mapping[str, Any], started_at: int) -> RunFacts:
    """What a run is told, by its row with JSON as text; it began at `started_at` (ms)."""
    chosen = config.settings()
    return RunFacts(
        run_id=row["id"],
        pipeline_id=row["pipeline_id"],
        pipeline_name=row["pipeline_name"],
        pipeline_version=row["pipeline_version"],
        input=wire.read(row["input"]),
        trace_id=row["trace_id"],
        variables=_read(row["variables"]) or {},
        env=chosen.pipeline_values,
        started_at=started_at,
        max_loop_items=chosen.max_loop_items,
        max_output_bytes=chosen.max_output_bytes,
        max_run_bytes=chosen.max_run_bytes,
        output_bytes=row["output_bytes"],
        timeout_ms=read_variant(row["document"]).timeout_ms,
    )


def is_finished(row: Instance) -> bool:
    """Whether an event told of its end."""
    return row.status in _FINISHED


def pauses_of(run_id: str, ends: Sequence[int], now: int) -> Iterator[Pause]:
    """The pauses until `now` (ms); `ends` are the numbers of the final events of stage runs, in
    order."""
    query: Any = (
        RunEvent.select(RunEvent.seq, RunEvent.type, RunEvent.at)
        .where(RunEvent.run == run_id, RunEvent.type.in_(events.RUN_HALTS))
        .order_by(RunEvent.seq)
    )
    began: tuple[int, int] | None = None
    for seq, type, at in list(query.tuples()):
        if type != "execution_paused":
            if began is not None and type == "execution_resumed":
                yield _pause(ends, *began, clock.to_ms(at))
            began = None
        elif began is None:  # else it was resumed and paused again before a worker took it
            began = seq, clock.to_ms(at)
    if began is not None:
        yield _pause(ends, *began, now)


def _pause(ends: Sequence[int], seq: int, since: int, until: int) -> Pause:
    return Pause(bisect_left(ends, seq), since, until)


def stored_rows(run_id: str, plan: Plan) -> list[tuple[Instance, int]]:
    """The stored stage runs, in the order of their final events, with the numbers of those; outputs
    only of those that decide what comes next."""
    # Two readings of a run's rows: joined, SQLite would look through the events for each row.
    ends: Any = RunEvent.select(RunEvent.stage_run_id, RunEvent.seq).where(
        RunEvent.run == run_id, RunEvent.type.in_(events.STAGE_ENDS)
    )
    numbers = dict(ends.tuples())
    query: Any = StageRun.select(*_columns(plan)).where(StageRun.run == run_id)
    # By the driver alone: a state is opened while someone waits, and peewee reads slower than that.
    found = database.execute(query).fetchall()
    rows = [(_instance(row), numbers.get(row[0], 0)) for row in found]
    return sorted(rows, key=lambda row: row[1])


def _columns(plan: Plan) -> list[Any]:
    read_back = {
        stage.component.type for stage in plan.stages.values() if stage.component.reads_back
    }
    decides = StageRun.component_type.in_(list(read_back))
    return [
        StageRun.id,
        StageRun.stage_id,
        StageRun.stage_name,
        StageRun.component_type,
        StageRun.status,
        StageRun.attempt,
        StageRun.failures,
        StageRun.iteration_path,
        StageRun.round,
        StageRun.skip_reason,
        StageRun.input,
        peewee.Case(None, [(decides, StageRun.output)]),
        StageRun.error,
        StageRun.usage,
        StageRun.logs,
        StageRun.reused,
        StageRun.wake_at,
        StageRun.started_at,
        StageRun.completed_at,
        decides,
    ]


def _instance(row: Sequence[Any]) -> Instance:
    """A stage run, of a row in order of `_columns` as the database gave it."""
    id, stage_id, name, kind, status, attempt, failures, path, round, reason, *values, decides = row
    input, output, error, usage, logs, reused, wake_at, started_at, completed_at = values
    status = StageStatus(status)
    return Instance(
        id=id,
        key=Key(stage_id, tuple(map(int, path.split("."))) if path else (), round),
        component_type=kind,
        status=status,
        attempt=attempt,
        failures=failures,
        stage_name=name,
        skip_reason=reason,
        input=_read(input),
        output=UNLOADED if status is StageStatus.COMPLETED and not decides else _read(output),
        error=RunError.from_json(_read(error)) if error else None,
        usage=_read(usage),
        logs=_read(logs) or [],
        reused=bool(reused),
        wake_at=_ms(wake_at),
        started_at=_ms(started_at),
        completed_at=_ms(completed_at),
    )


def _ms(moment: datetime | str | None) -> int | None:
    if moment is None:
        return None
    return clock.to_ms(datetime.fromisoformat(moment) if isinstance(moment, str) else moment)


def _read(text: str | None) -> JSON:
    return None if text is None else wire.read(text)
