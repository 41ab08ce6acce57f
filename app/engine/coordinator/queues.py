"""Two queues of a coordinator: what is ready now, and what becomes due at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

from app.engine.component import Effect
from app.engine.coordinator.scope import Scope
from app.engine.instance import Key
from app.engine.planner import PlannedStage


class Timer(NamedTuple):
    """Something to do at `at` (ms), unless what it was for is gone by then.

    `since` is when it began to count, if it stands still while the run is paused.
    """

    at: int
    number: int
    alive: Callable[[], bool]
    fire: Callable[[], None]
    since: int | None


class Timers:
    """Timers in order of time, then of their making."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._numbers = count()

    def add(
        self,
        at: int,
        alive: Callable[[], bool],
        fire: Callable[[], None],
        since: int | None = None,
    ) -> None:
        """Has `fire` called at `at`. `since`: when it began to count, if it knows pauses."""
        heapq.heappush(self._heap, Timer(at, next(self._numbers), alive, fire, since))

    def stand_still(self, until: int, length: int) -> None:
        """Puts off by `length` ms what counted before a pause that ended at `until`."""
        for at, timer in enumerate(self._heap):
            if timer.since is not None and timer.since < until:
                self._heap[at] = timer._replace(at=timer.at + length)
        heapq.heapify(self._heap)

    @property
    def next_at(self) -> int | None:
        """When the next one is due, in ms; None when there is none."""
        while self._heap and not self._heap[0].alive():
            heapq.heappop(self._heap)
        return self._heap[0].at if self._heap else None

    def pop_due(self, now: int) -> Timer | None:
        """Takes the next timer out when it is due."""
        next_at = self.next_at
        return heapq.heappop(self._heap) if next_at is not None and next_at <= now else None


class Ready:
    """Stages whose dependencies are finished, in document order, then by iteration.

    Owners take none of the run's places and so never stand behind stages that wait for one.
    """

    def __init__(self) -> None:
        self._stages: list[tuple[Any, ...]] = []
        self._owners: list[tuple[Any, ...]] = []
        self._numbers = count()

    def push(self, planned: PlannedStage, scope: Scope) -> None:
        """Adds a stage of an opened body."""
        self._push(scope.shape.rank[planned.stage.id], planned, scope)

    def _push(self, rank: int, planned: PlannedStage, scope: Scope) -> None:
        entry = (rank, scope.path, scope.round, next(self._numbers), planned, scope)
        owner = planned.component.effect is Effect.OWNER
        heapq.heappush(self._owners if owner else self._stages, entry)

    def pop(self, has_room: bool) -> tuple[PlannedStage, Scope] | None:
        """The next stage; only owners while the run has no room."""
        stages, owners = self._stages, self._owners
        if not (stages and has_room):
            heap = owners
        else:
            heap = owners if owners and owners[0] < stages[0] else stages
        if not heap:
            return None
        entry = heapq.heappop(heap)
        return entry[4], entry[5]

    def can_pop(self, has_room: bool) -> bool:
        """Whether `pop` has a stage to give."""
        return bool(self._owners or (has_room and self._stages))

    def __iter__(self) -> Iterator[tuple[PlannedStage, Scope]]:
        """All of them, the next one first."""
        return ((entry[4], entry[5]) for entry in sorted(self._stages + self._owners))

    def holds(self, key: Key) -> bool:
        """Whether this stage run is ready."""
        return any(_is(entry, key) for entry in (*self._stages, *self._owners))

    def take(self, key: Key) -> tuple[PlannedStage, Scope] | None:
        """Takes this stage run out of its turn, if it is ready."""
        for heap in (self._stages, self._owners):
            for entry in heap:
                if _is(entry, key):
                    heap.remove(entry)
                    heapq.heapify(heap)
                    return entry[4], entry[5]
        return None

    def prefer(self, key: Key) -> None:
        """Puts this stage run before all others, if it is ready."""
        taken = self.take(key)
        if taken is not None:
            self._push(-1, *taken)


def _is(entry: tuple[Any, ...], key: Key) -> bool:
    planned, scope = entry[4:]
    return planned.stage.id == key.stage_id and (scope.path, scope.round) == key[1:]
