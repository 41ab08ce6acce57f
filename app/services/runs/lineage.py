"""Which stage run of a finished history lies in which, and which failures ended the run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coercion import coerce
from app.engine.instance import Key
from app.engine.owner import Owner
from app.engine.owners.foreach import Foreach
from app.engine.owners.parallel import Parallel
from app.engine.planner import Body, Plan

#: The input by which an owner takes the failures of its bodies for results.
_COLLECTS: Mapping[str, tuple[type[Owner], str, JSON]] = {
    Foreach.type: (Foreach, "break_on_error", False),
    Parallel.type: (Parallel, "on_error", "continue"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A stage run as it is stored, error and usage as text.

    `seq` is the number of its snapshot: the order of ends; None when it never came to one.
    """

    id: str
    key: Key
    component_type: str
    status: StageStatus
    attempt: int
    failures: int
    skip_reason: str | None
    error: str | None
    usage: str | None
    seq: int | None


class Lineage:
    """The rows of one run, by what they lie in; `inputs` gives the resolved ones of an owner."""

    def __init__(self, rows: Iterable[Row], plan: Plan, inputs: Callable[[Key], JSON]) -> None:
        self._plan, self._inputs = plan, inputs
        self._rows = list(rows)
        self._runs: dict[tuple[str, tuple[int, ...]], list[Row]] = defaultdict(list)
        for row in sorted(self._rows, key=lambda row: row.key.round):
            self._runs[row.key.stage_id, row.key.path].append(row)

    def owner_of(self, row: Row) -> Row | None:
        """The stage run of the owner that ran this one; None outside of bodies.

        An owner that ran more than once at a place ended its bodies before itself each time.
        """
        body = self._body(row)
        if body.owner is None:
            return None
        path = row.key.path[:-1] if body.loop else row.key.path
        runs = self._runs[body.owner, path]
        for owner, following in pairwise(runs):
            if owner.seq is None:
                if row.id < following.id:
                    return owner  # abandoned
            elif row.seq is not None and row.seq < owner.seq:
                return owner
        return runs[-1] if runs else None

    def below(self, key: Key) -> Sequence[Row]:
        """The rows inside of an owner, at any depth, that came to an end, in that order."""
        found: list[Row] = []
        waiting = [key]
        while waiting:
            inside = self._inside.get(waiting.pop(), [])
            found += inside
            waiting += [row.key for row in inside]
        return sorted((row for row in found if row.seq is not None), key=_end)

    def is_fatal(self, row: Row) -> bool:
        """Whether this failed and the run with it, or it only came up because of such a failure."""
        if not self._fatal:
            return False
        return row.key in self._fatal or self._is_aftermath(row)

    @cached_property
    def _inside(self) -> dict[Key, list[Row]]:
        inside: dict[Key, list[Row]] = defaultdict(list)
        for row in self._rows:
            owner = self.owner_of(row)
            if owner is not None:
                inside[owner.key].append(row)
        return inside

    @cached_property
    def _fatal(self) -> dict[Key, Row]:
        failed = (row for row in self._rows if row.status is StageStatus.FAILED)
        return {row.key: row for row in failed if not self._is_survived(row)}

    @cached_property
    def _broken(self) -> dict[Key, int]:
        """The place of the body that failed each owner, among the owner's bodies."""
        broken: dict[Key, int] = {}
        for row in self._fatal.values():
            if (owner := self.owner_of(row)) is not None:
                place = self._place(row)
                broken[owner.key] = min(place, broken.get(owner.key, place))
        return broken

    def _is_aftermath(self, row: Row) -> bool:
        """Whether it lies in a body that its owner opened because another body had failed."""
        for inner, owner in self._outwards(row):
            place = self._broken.get(owner.key)
            if place is not None and self._opens_in_turn(inner) and self._place(inner) > place:
                return True
        return False

    def _is_survived(self, row: Row) -> bool:
        if self._goes_on(row):
            return True
        return any(
            owner.status in (StageStatus.COMPLETED, StageStatus.SKIPPED)
            or self._is_caught(inner, owner)
            or self._goes_on(owner)
            for inner, owner in self._outwards(row)
        )

    def _outwards(self, row: Row) -> Iterator[tuple[Row, Row]]:
        while (owner := self.owner_of(row)) is not None:
            yield row, owner
            row = owner

    def _goes_on(self, row: Row) -> bool:
        return self._plan.stages[row.key.stage_id].stage.on_error == "continue"

    def _is_caught(self, row: Row, owner: Row) -> bool:
        """Whether the owner went on when this failed, or has not decided yet whether it does."""
        if owner.status is StageStatus.PENDING or self._collects(owner):
            return True
        if self._body(row).repeatable and owner.status is not StageStatus.FAILED:
            return True
        if self._last_rounds[owner.key, self._place(row), row.key.path] > row.key.round:
            return True
        return self._opens_in_turn(row) and self._failed_behind(row, owner)

    def _collects(self, owner: Row) -> bool:
        if owner.component_type not in _COLLECTS:
            return False
        component, name, value = _COLLECTS[owner.component_type]
        given = self._inputs(owner.key)
        # Stored as it was resolved: what the owner made of it, it makes of it again.
        return isinstance(given, dict) and coerce(component.fields[name], given.get(name)) == value

    @cached_property
    def _last_rounds(self) -> dict[tuple[Key, int, tuple[int, ...]], int]:
        rounds: dict[tuple[Key, int, tuple[int, ...]], int] = {}
        for owner, inside in self._inside.items():
            for row in inside:
                place = (owner, self._place(row), row.key.path)
                rounds[place] = max(row.key.round, rounds.get(place, 0))
        return rounds

    def _failed_behind(self, row: Row, owner: Row) -> bool:
        """Whether the owner went on to another body, and that failed too."""
        return any(
            other.status is StageStatus.FAILED
            and not self._goes_on(other)
            and self._place(other) > self._place(row)
            for other in self._inside[owner.key]
        )

    def _opens_in_turn(self, row: Row) -> bool:
        """Whether a failure in its body leads to another body: to catch, to finally."""
        return self._body(row).owner in self._catching

    @cached_property
    def _catching(self) -> frozenset[str | None]:
        return frozenset(body.owner for body in self._plan.bodies.values() if body.error)

    def _place(self, row: Row) -> int:
        """The place of its body among those of its owner."""
        return self._places[self._plan.stages[row.key.stage_id].body]

    @cached_property
    def _places(self) -> dict[tuple[str | None, str], int]:
        taken: Counter[str | None] = Counter()
        places = {}
        for owner, name in self._plan.bodies:
            places[owner, name] = taken[owner]
            taken[owner] += 1
        return places

    def _body(self, row: Row) -> Body:
        return self._plan.bodies[self._plan.stages[row.key.stage_id].body]


def _end(row: Row) -> int:
    assert row.seq is not None
    return row.seq
