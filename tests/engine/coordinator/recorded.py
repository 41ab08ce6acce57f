"""A run of these tests as the source of a fork: what stands of it up to a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.core import wire
from app.core.errors import RunError
from app.core.states import StageStatus
from app.engine.doubles import Recorded
from app.engine.instance import Key
from app.engine.planner import Body, Plan
from tests.engine.coordinator.world import ENDS, World


class RecordedRun:
    """The source `world`, of which the first `cut` final rows stand at the snapshot."""

    def __init__(self, world: World, cut: int | None = None) -> None:
        self.plan: Plan = world.plan
        self._world = world
        writes = {r.instance.id: r.writes for r in world.records if r.event in ENDS}
        self.rows = [
            _recorded(world.rows[id], seq, writes[id]) for seq, id in enumerate(world.ended, 1)
        ]
        self.cut = len(self.rows) if cut is None else cut
        self._by_key = {row.key: row for row in self.rows}
        self._inside: dict[Key, list[Recorded]] = {}
        self._fatal = set(self._fatal_keys())

    def taken(self, key: Key) -> Recorded | None:
        row = self._by_key.get(key)
        stands = row is not None and row.seq <= self.cut and key not in self._fatal
        return row if stands else None

    def recorded(self, key: Key) -> Recorded | None:
        row = self._by_key.get(key)
        return row if row is not None and row.status is StageStatus.COMPLETED else None

    def below(self, key: Key) -> list[Recorded]:
        if key not in self._inside:
            self._inside[key] = list(self._all_below(key))
        return [row for row in self._inside[key] if row.seq <= self.cut]

    def _all_below(self, key: Key) -> Iterator[Recorded]:
        """An owner that ran several times at one place ran them one after the other."""
        end = self._by_key[key].seq if key in self._by_key else len(self.rows) + 1
        earlier = [
            row.seq
            for row in self.rows
            if row.key[:2] == key[:2] and row.seq < end and row.key.round < key.round
        ]
        start = max(earlier, default=0)
        return (
            row
            for row in self.rows
            if start < row.seq <= end
            and row.key.path[: len(key.path)] == key.path
            and key.stage_id in self._outwards(row.key.stage_id)
            and row.key.round >= key.round
        )

    def inputs(self, key: Key) -> Any:
        id = self._world.keys.get(key)
        text = None if id is None else self._world.rows[id]["input"]
        return None if text is None else wire.read(text)

    def output(self, id: str) -> str | None:
        return self._world.rows[id]["output_text"]

    def _outwards(self, stage_id: str) -> Iterator[str]:
        owner = self.plan.stages[stage_id].body[0]
        while owner is not None:
            yield owner
            owner = self.plan.stages[owner].body[0]

    # What failed the run executes again, with all that only came of it.

    def _fatal_keys(self) -> Iterator[Key]:
        failed = [row for row in self.rows if self._fails(row) and self._body(row).owner is None]
        while failed:
            row = failed.pop()
            yield row.key
            below = list(self._all_below(row.key))
            inside = [one for one in below if self._body(one).owner == row.key.stage_id]
            broken = [one for one in inside if self._fails(one)]
            if not broken:
                continue
            places = self._places(row.key.stage_id)
            last = max((places[one.key.stage_id], one.key.round) for one in broken)
            failed += [one for one in broken if (places[one.key.stage_id], one.key.round) == last]
            yield from (one.key for one in below if places[self._top(one, row)] > last[0])

    def _fails(self, row: Recorded) -> bool:
        stage = self.plan.stages[row.key.stage_id].stage
        return row.status is StageStatus.FAILED and stage.on_error != "continue"

    def _body(self, row: Recorded) -> Body:
        return self.plan.bodies[self.plan.stages[row.key.stage_id].body]

    def _places(self, owner: str) -> dict[str, int]:
        """Where the body of each member of an owner stands among those that follow each other."""
        order = [field.field for field in self.plan.stages[owner].component.body_fields]
        return {
            member: order.index(body.name.split(".")[0])
            for body in self.plan.bodies.values()
            if body.owner == owner
            for member in body.stages
        }

    def _top(self, row: Recorded, owner: Recorded) -> str:
        """The direct member of the owner that this lies in."""
        chain = [row.key.stage_id, *self._outwards(row.key.stage_id)]
        at = chain.index(owner.key.stage_id)
        return chain[at - 1]


def _recorded(row: dict[str, Any], seq: int, writes: Any) -> Recorded:
    return Recorded(
        row["id"],
        row["key"],
        row["component_type"],
        row["status"],
        row["attempt"],
        row["failures"],
        row["skip_reason"],
        RunError.from_json(wire.read(row["error"])) if row["error"] else None,
        row["usage"],
        writes,
        seq,
    )
