"""A world in memory: a clock, a pool whose calls take time, and a journal that outlives crashes."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from app.core import wire
from app.core.errors import RunError, StageError
from app.core.states import STAGE_MOVES, StageStatus
from app.engine.coordinator import Coordinator, RunFacts
from app.engine.document import read_document
from app.engine.doubles import NO_DOUBLES, Doubles
from app.engine.instance import (
    UNLOADED,
    Call,
    Finished,
    HandedBack,
    Instance,
    Key,
    Outcome,
    Parked,
    Record,
)
from app.engine.planner import Plan, plan_document
from tests.engine.coordinator.parts import registry
from tests.engine.declared import assert_declared

START = 1_000_000
ENDS = {"stage_completed", "stage_failed", "stage_skipped"}


def stage(id: str, kind: str = "give", after: tuple[str, ...] = (), **rest: Any) -> dict[str, Any]:
    """A stage as written; what is no member of a stage is its config, and so is `config`."""
    members = {"when", "retry", "on_error", "timeout_ms"}
    own = {name: rest.pop(name) for name in members & rest.keys()}
    config = rest.pop("config", {}) | rest
    return {"id": id, "component_type": kind, "depends_on": list(after), "config": config, **own}


def plan_of(*stages: dict[str, Any], **document: Any) -> Plan:
    """The plan of a document made of these stages."""
    raw = {"name": "p", "stages": list(stages), **document}
    return plan_document(read_document(raw), registry())


@dataclass
class World:
    """What is left when a worker dies: rows as texts, and the time."""

    plan: Plan
    input: Any = None
    facts: dict[str, Any] = field(default_factory=dict)
    now: int = START
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[Key, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)  # row ids by their final event
    events: list[tuple[Any, ...]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    calls: Counter[Key] = field(default_factory=Counter)
    doubles: Doubles = NO_DOUBLES
    most_at_once: int = 0
    loads: list[str] = field(default_factory=list)
    _ids: Any = field(default_factory=count)

    def load(self, instance_id: str) -> Any:
        self.loads.append(instance_id)
        return wire.read(self.rows[instance_id]["output_text"])

    def new_id(self) -> str:
        return f"stg-{next(self._ids)}"

    def run_facts(self) -> RunFacts:
        stored = sum(len((row["output_text"] or "").encode()) for row in self.rows.values())
        facts = {"output_bytes": stored, "started_at": START, **self.facts}
        return RunFacts("run-1", "pl-1", "p", "1.0.0", self.input, **facts)

    def fresh(self) -> Coordinator:
        return Coordinator(self.plan, self.run_facts(), self, self.new_id, doubles=self.doubles)

    def rebuilt(self) -> Coordinator:
        """The coordinator of another worker, made from the rows alone."""
        if not self.rows:
            return self.fresh()
        finished = [self._instance(id) for id in self.ended]
        unfinished = [self._instance(id) for id in self.rows.keys() - set(self.ended)]
        return Coordinator.rebuild(
            self.plan,
            self.run_facts(),
            self,
            self.new_id,
            finished,
            unfinished,
            self.now,
            doubles=self.doubles,
        )

    def _instance(self, id: str) -> Instance:
        row = dict(self.rows[id])
        component = self.plan.stages[row["key"].stage_id].component
        text = row.pop("output_text")
        error, input = row.pop("error"), row.pop("input")
        if text is not None:
            row["output"] = wire.read(text) if component.reads_back else UNLOADED
        row["error"] = RunError.from_json(wire.read(error)) if error else None
        row["input"] = wire.read(input) if input else None
        return Instance(**row)

    def write(self, record: Record) -> None:
        """Writes one record, as a flush of one line would."""
        instance = record.instance
        old = self.rows.get(instance.id)
        if old is not None and old["status"] is not instance.status:
            assert instance.status in STAGE_MOVES.get(old["status"], ()), (old, instance)
        assert old is None or old["status"] in STAGE_MOVES, f"{old} was final"
        assert self.keys.setdefault(instance.key, instance.id) == instance.id, "two rows"
        self.rows[instance.id] = _row(instance)
        if record.event in ENDS:
            self.ended.append(instance.id)
        # What stands in for a component may give what that would not.
        if record.event == "stage_completed" and self.doubles is NO_DOUBLES:
            component = self.plan.stages[instance.key.stage_id].component
            assert_declared(component, wire.read(instance.output_text))
        if record.event is not None:
            self.events.append((record.event, instance.key.stage_id, instance.key.path))
        self.records.append(record)

    def drive(
        self, coordinator: Coordinator, stop_after: int | None = None, park: bool = False
    ) -> Outcome | None:
        """Drives until the run ends, or parks when told to leave then. None: died after having
        written `stop_after` records in all."""
        pool: list[tuple[int, int, Call, int]] = []
        turns = count()
        while True:
            coordinator.tick(self.now)
            calls, outcome = coordinator.turn()
            for record in coordinator.drain():
                if stop_after is not None and len(self.records) >= stop_after:
                    return None
                self.write(record)
            for call in calls:
                self._call(coordinator, call, pool, next(turns))
            self.most_at_once = max(self.most_at_once, len(coordinator.running))
            if isinstance(outcome, Parked) and not park:
                assert outcome.wake_at is not None
                self.now = outcome.wake_at
            elif outcome is not None:
                return outcome
            else:
                self._wait(coordinator, pool)

    def _call(self, coordinator: Coordinator, call: Call, pool: Any, number: int) -> None:
        row = self.rows[call.instance_id]
        assert row["status"] is StageStatus.RUNNING, "it acts before its row stands"
        assert row["attempt"] == call.attempt
        self.calls[call.key] += 1
        failures = coordinator.running[call.key].instance.failures
        took = call.inputs.ms
        if call.timeout_ms is not None:
            took = min(took, call.timeout_ms)
        heapq.heappush(pool, (self.now + took, number, call, failures))

    def _wait(self, coordinator: Coordinator, pool: Any) -> None:
        due = coordinator.next_timer
        if due is not None and (not pool or due <= pool[0][0]):
            self.now = max(self.now, due)
            return coordinator.tick(self.now)
        at, _, call, failures = heapq.heappop(pool)
        self.now = max(self.now, at)
        coordinator.tick(self.now)
        return coordinator.take(_answer(call, failures))

    def run(self) -> Outcome | None:
        """From the beginning to the end, without a crash."""
        return self.drive(self.fresh())

    # What tests look at.

    def row(self, stage_id: str, *path: int, round: int = 0) -> dict[str, Any]:
        return self.rows[self.keys[Key(stage_id, path, round)]]

    def output(self, stage_id: str, *path: int, round: int = 0) -> Any:
        return wire.read(self.row(stage_id, *path, round=round)["output_text"])

    def status(self, stage_id: str, *path: int, round: int = 0) -> str:
        return self.row(stage_id, *path, round=round)["status"].value

    def told(self, stage_id: str) -> list[str]:
        return [event for event, id, _ in self.events if id == stage_id]

    def ending(self) -> dict[Key, tuple[Any, ...]]:
        """All rows without what a crash may change: attempts, times, ids."""
        return {
            row["key"]: (row["status"], row["skip_reason"], _timeless(row), row["error"])
            for row in self.rows.values()
        }


def _timeless(row: dict[str, Any]) -> Any:
    """The output of a row without what owners tell of time."""
    output = row["output_text"] and wire.read(row["output_text"])
    if row["component_type"] in ("timeout", "parallel") and output:
        times = ("elapsed", "percent_elapsed", "warning", "execution_time")
        return {name: value for name, value in output.items() if name not in times}
    return output


def _row(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "key": instance.key,
        "component_type": instance.component_type,
        "status": instance.status,
        "attempt": instance.attempt,
        "failures": instance.failures,
        "stage_name": instance.stage_name,
        "skip_reason": instance.skip_reason,
        "input": None if instance.input is None else wire.dumps(instance.input),
        "output_text": instance.output_text,
        "error": wire.dumps(instance.error.to_json()) if instance.error else None,
        "reused": instance.reused,
        "usage": instance.usage,
        "logs": list(instance.logs),
        "wake_at": instance.wake_at,
        "started_at": instance.started_at,
        "completed_at": instance.completed_at,
    }


def _answer(call: Call, failures: int) -> Finished:
    if call.timeout_ms is not None and call.inputs.ms > call.timeout_ms:
        return Finished(call.key, call.attempt, error=StageError("TIMEOUT", "too slow"))
    try:
        output = call.component.answer(call.inputs, failures, call.key.round)
    except StageError as error:
        return Finished(call.key, call.attempt, error=error)
    return Finished(call.key, call.attempt, output)


__all__ = ["START", "HandedBack", "World", "plan_of", "stage"]
