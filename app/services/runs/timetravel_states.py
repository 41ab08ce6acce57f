"""The state of a run at a snapshot: folded from its start, nothing of it is executed.

Outside of bodies the snapshots' own notes are enough. Inside of one, what a stage saw depends on
how its owners went, so the stored stage runs are fed through the code that made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import peewee

from app.core import clock, wire
from app.core.errors import RunError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coordinator import RunFacts
from app.engine.coordinator.hindsight import Moment, in_a_body, in_a_copy, outside_bodies
from app.engine.doubles import NO_DOUBLES, Doubles
from app.engine.instance import UNLOADED, Instance, Key
from app.engine.planner import ROOT, Plan
from app.models import Snapshot, StageRun
from app.models.base import raw, unread
from app.services.runs.restore import facts_of, is_finished, pauses_of, stored_rows
from app.services.runs.standins import SourceGone, doubles_of
from app.services.runs.timetravel_rows import outputs_of, size_of, sizes_of
from app.services.runs.variants import plan_of_run


class State:
    """What had come of a run by one of its snapshots, which is `row`.

    `outputs`: the stage runs outside of bodies that had completed by then, and those of the same
    iterations, by stage id. `completed` and `pending`: ids of stages outside of bodies.
    """

    def __init__(self, run: Any, row: Mapping[str, Any]) -> None:
        self.row = row
        self.plan = plan_of_run(run.pipeline_version_id, run.document)
        self.texts: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self.moment = self._moment(run._asdict())
        self.outputs = dict(self._completed())

    def _moment(self, run: Mapping[str, Any]) -> Moment:
        facts, stage_id = facts_of(run, clock.to_ms(run["started_at"])), self.row["stage_id"]
        if stage_id is None or self.plan.stages[stage_id].body == ROOT:
            return self._outside(facts)
        return self._inside(facts, _doubles_of(run))

    def _outside(self, facts: RunFacts) -> Moment:
        ended, writes = [], {}
        for row in _ended_outside(facts.run_id, self.plan, self.row["seq"]):
            ended.append(_instance(row))
            writes[row["stage_id"]] = _writes(row["variables"])
            if row["size"] is not None:
                self._sizes[row["id"]] = row["size"]
        return outside_bodies(self.plan, facts, ended, writes)

    def _inside(self, facts: RunFacts, doubles: Doubles) -> Moment:
        rows = stored_rows(facts.run_id, self.plan)
        place = next(i for i, (row, _) in enumerate(rows) if row.id == self.row["stage_run_id"])
        # One without a number ended while this was read: the run may be going on.
        ended = [(row, seq) for row, seq in rows[: place + 1] if is_finished(row) and seq]
        past, ids = [row for row, _ in ended], {row.id for row, _ in ended}
        later = [row for row, _ in rows if row.id not in ids]
        pauses = pauses_of(facts.run_id, [seq for _, seq in ended], past[-1].completed_at or 0)
        before = [pause for pause in pauses if pause.after < len(past)]
        found = in_a_body(self.plan, facts, self, past, _begun(later, past[-1]), before, doubles)
        return found or in_a_copy(self.plan, self._outside(facts), past, later)

    def _completed(self) -> Iterator[tuple[str, str]]:
        for opening in reversed(self.moment.openings):
            for stage_id, instance in opening.items():
                if instance.status is StageStatus.COMPLETED:
                    yield stage_id, instance.id

    def load(self, instance_id: str) -> JSON:
        """The output of one stage run."""
        if instance_id not in self.texts:
            self.texts |= outputs_of([instance_id])
        return wire.read(self.texts[instance_id])

    def load_within(self, limit: int) -> None:
        """Reads the newest outputs that together have at most `limit` bytes."""
        ids = list(self.outputs.values())
        self._sizes |= sizes_of([id for id in ids if id not in self._sizes])
        fitting = []
        for id in reversed(ids):
            limit -= self._sizes[id]
            if limit >= 0:
                fitting.append(id)
        self.texts |= outputs_of([id for id in fitting if id not in self.texts])
        self.texts = {id: self.texts[id] for id in fitting}

    def input(self) -> JSON:
        """The resolved config of the stage that ended, or None."""
        return self.moment.input(self)

    @property
    def completed(self) -> list[str]:
        """Stages outside of bodies that had completed, in document order."""
        return [id for id in self._stages() if self._status(id) is StageStatus.COMPLETED]

    @property
    def pending(self) -> list[str]:
        """Stages outside of bodies that were not final, in document order."""
        return [id for id in self._stages() if self._status(id) is None]

    def _stages(self) -> tuple[str, ...]:
        return self.plan.bodies[ROOT].stages

    def _status(self, stage_id: str) -> StageStatus | None:
        instance = self.moment.openings[-1].get(stage_id)
        return None if instance is None else instance.status


def _doubles_of(run: Mapping[str, Any]) -> Doubles:
    try:
        return doubles_of(run)
    except SourceGone:
        return NO_DOUBLES  # what was taken over stands in the rows of this run


def _begun(later: Iterable[Instance], last: Instance) -> list[Instance]:
    """What ran when the stage run `last` ended, as it was then."""
    return [
        replace(row, status=StageStatus.RUNNING, error=None, completed_at=None)
        for row in later
        if row.started_at is not None and row.started_at <= (last.completed_at or 0)
    ]


def _ended_outside(run_id: str, plan: Plan, seq: int) -> list[dict[str, Any]]:
    """The stage runs outside of bodies that a run's snapshots until `seq` tell of, in order."""
    columns = (
        StageRun.id,
        StageRun.stage_id,
        StageRun.component_type,
        StageRun.status,
        StageRun.attempt,
        StageRun.round,
        StageRun.reused,
        StageRun.error,
        size_of(StageRun.output).alias("size"),
        raw(Snapshot.variables),
        unread(peewee.Case(None, [(Snapshot.seq == seq, StageRun.input)])).alias("input"),
    )
    query: Any = (
        Snapshot.select(*columns)
        .join(StageRun, on=(Snapshot.stage_run_id == StageRun.id))
        .where(
            Snapshot.run == run_id,
            Snapshot.seq <= seq,
            StageRun.stage_id.in_(plan.bodies[ROOT].stages),
        )
        .order_by(Snapshot.seq)
    )
    return list(query.dicts())


def _instance(row: Mapping[str, Any]) -> Instance:
    status = StageStatus(row["status"])
    return Instance(
        id=row["id"],
        key=Key(row["stage_id"], (), row["round"]),
        component_type=row["component_type"],
        status=status,
        attempt=row["attempt"],
        input=None if row["input"] is None else wire.read(row["input"]),
        output=UNLOADED if status is StageStatus.COMPLETED else None,
        error=RunError.from_json(row["error"]) if row["error"] else None,
        reused=bool(row["reused"]),
    )


def _writes(text: str | None) -> dict[tuple[str, bool], JSON]:
    return {(name, stays): value for name, stays, value in wire.read(text or "[]")}
