"""Two queues of a coordinator: what is ready now, and what becomes due at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

from app.engine.component import Effect
from app.engine.coordinator.scope import Scope
from app.engine.planner import PlannedStage


class Timer(NamedTuple):
    """Something to do at `at` (ms), unless what it was for is gone by then."""

    at: int
    number: int
    alive: Callable[[], bool]
    fire: Callable[[], None]


class Timers:
    """Timers in order of time, then of their making."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._numbers = count()

    def add(self, at: int, alive: Callable[[], bool], fire: Callable[[], None]) -> None:
        """Has `fire` called at `at`."""
        heapq.heappush(self._heap, Timer(at, next(self._numbers), alive, fire))

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
        rank = scope.shape.rank[planned.stage.id]
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
