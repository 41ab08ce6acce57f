"""A what-if beside a run from scratch: what it must give, and what it may execute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.core import wire
from app.core.errors import RunError
from app.core.states import StageStatus
from app.engine.doubles import Recorded
from app.engine.instance import Key
from tests.engine.coordinator.world import ENDS, World
from tests.engine.reference.attempts import Opening
from tests.engine.reference.facts import StageEnd, Stop, Write
from tests.engine.reference.interpreter import Interpreter
from tests.engine.reference.judging import PASSED_BY


class ChangedRun(Interpreter):
    """A run from scratch that begins with some variables, and in which some stages give what they
    are told to."""

    def __init__(
        self, document: dict[str, Any], input: Any, variables: Any, outputs: Mapping[str, Any]
    ) -> None:
        super().__init__(document, input)
        self.outputs = outputs
        self.start = variables

    def body(self, opening: Opening) -> Any:
        """As ever; the outermost body begins with the run's variables."""
        if opening.parent is None:
            opening.base = dict(self.start)
        return super().body(opening)

    def _attempts(self, id: str, opening: Opening) -> StageEnd:
        if id not in self.outputs:
            return super()._attempts(id, opening)
        output, stage = self.outputs[id], self.layout.stages[id]
        end = StageEnd("completed", output)
        if stage["component_type"] == "variable_set" and output["was_set"]:
            in_loop = stage["config"].get("scope") == "loop"
            end.writes = [Write(output["name"], output["value"], in_loop)]
        if stage["component_type"] == "break_loop" and output["broken"]:
            end.stop = Stop("broken", value=output["result"])
        return end


class Past:
    """The first stage runs of a finished run that came to an end: a Source."""

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        self.rows = {Key(*row["key"]): row for row in world.rows.values()}
        self._writes: dict[str, Any] = {}
        self._begun: dict[str, int] = {}
        self._seq: dict[str, int] = {}
        for at, record in enumerate(world.records):
            self._begun.setdefault(record.instance.id, at)
            if record.event in ENDS:
                self._writes[record.instance.id] = record.writes
                self._seq[record.instance.id] = at
        self._last = self._seq[world.ended[count - 1]] if count else -1

    def _recorded(self, row: dict[str, Any]) -> Recorded:
        names = ("id", "key", "component_type", "status", "attempt", "failures", "skip_reason")
        error = row["error"] and RunError.from_json(wire.read(row["error"]))
        id = row["id"]
        return Recorded(
            *(row[name] for name in names),
            error=error or None,
            writes=self._writes.get(id),
            seq=self._seq[id],
        )

    def _is_final(self, row: dict[str, Any]) -> bool:
        return self._seq.get(row["id"], self._last + 1) <= self._last

    def ids(self) -> set[str]:
        """The stages of which something can be taken over."""
        return {key.stage_id for key in self.rows if self.taken(key)}

    def taken(self, key: Key) -> Recorded | None:
        row = self.rows.get(key)
        if row is None or not self._is_final(row):
            return None
        if row["status"] is StageStatus.FAILED and self._failed_the_run(key):
            return None
        return self._recorded(row)

    def _failed_the_run(self, key: Key) -> bool:
        """Whether no owner absorbed this failure."""
        planned = self.world.plan.stages[key.stage_id]
        if planned.stage.on_error == "continue":
            return False
        owner = planned.body[0]
        around = [row for other, row in self.rows.items() if _is_around(owner, other, key)]
        return owner is None or any(
            row["status"] is StageStatus.FAILED and self._failed_the_run(Key(*row["key"]))
            for row in around
        )

    def recorded(self, key: Key) -> Recorded | None:
        row = self.rows.get(key)
        is_done = row is not None and row["status"] is StageStatus.COMPLETED
        return self._recorded(row) if row is not None and is_done else None

    def below(self, key: Key) -> Sequence[Recorded]:
        if key not in self.rows:
            return []
        owner = self.rows[key]["id"]
        start, end = self._begun[owner], self._seq.get(owner, len(self.world.records))
        found = [
            self._recorded(row)
            for other, row in self.rows.items()
            if self._is_final(row)
            and other.path[: len(key.path)] == key.path
            and key.stage_id in self.owners(other.stage_id)
            and start <= self._seq[row["id"]] <= end
        ]
        return sorted(found, key=lambda one: one.seq)

    def owners(self, stage_id: str) -> Iterator[str]:
        """The owners around a stage, inside out."""
        owner = self.world.plan.stages[stage_id].body[0]
        while owner is not None:
            yield owner
            owner = self.world.plan.stages[owner].body[0]

    def inputs(self, key: Key) -> Any:
        row = self.rows.get(key)
        return wire.read(row["input"]) if row is not None and row["input"] else None

    def output(self, id: str) -> str | None:
        return self.world.rows[id]["output_text"]


def _is_around(owner: str | None, other: Key, key: Key) -> bool:
    return other.stage_id == owner and key.path[: len(other.path)] == other.path


def wrongly_executed(
    world: World, past: Past, reached: frozenset[str], given: Mapping[str, Any]
) -> list[str]:
    """What executed without need, or was taken over although it was reached.

    What the source did not come to executes when it comes up now.
    """
    found = []
    for row in world.rows.values():
        key, reason = Key(*row["key"]), row["skip_reason"]
        if row["reused"]:
            if key.stage_id in reached and key.stage_id not in given:
                found.append(f"{key} was taken over")
        elif reason not in PASSED_BY and key.stage_id not in reached | given.keys():
            taken = past.taken(key)
            is_there = taken is not None and taken.skip_reason not in PASSED_BY
            if is_there and not _has_other_inputs(world, past, key):
                found.append(f"{key} executed")
    return found


def _has_other_inputs(world: World, past: Past, key: Key) -> bool:
    """Whether some owner around it began otherwise than it had."""
    around = {*past.owners(key.stage_id)}
    for row in world.rows.values():
        other = Key(*row["key"])
        if other.stage_id in around and key.path[: len(other.path)] == other.path:
            if row["input"] and wire.read(row["input"]) != past.inputs(other):
                return True
    return False
