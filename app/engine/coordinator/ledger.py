"""The ground floor of the coordinator: the run's time, its records, and what is under way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from app.core import wire
from app.core.errors import RunError
from app.core.states import StageStatus, is_final
from app.core.wire import JSON
from app.engine.coordinator.facts import Outputs, RunFacts
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.queues import Ready, Timers
from app.engine.coordinator.scope import BodyShape, OwnerRun, Scope
from app.engine.coordinator.writes import Writes
from app.engine.doubles import Doubles
from app.engine.instance import UNLOADED, Away, Instance, Key, Outcome, Record
from app.engine.owner import Move
from app.engine.planner import Plan, PlannedStage


class Underway(NamedTuple):
    """A call that the pool has, a child run that is waited for, or a failure held back."""

    planned: PlannedStage
    scope: Scope
    instance: Instance


class Ledger:
    """What all floors share. Above are Bodies, Owning, Finishing, Attempts, Reusing, Doubling,
    Replay, Holding and Coordinator.

    `at` is the run's own time in milliseconds; it never goes back. `running` holds the calls that
    are under way, `children` the stages whose answer another run gives; of those, `away` tells
    which are not executed here. `held` are failures that have not taken effect yet. `_again` are
    attempts that were under way where the run was left: they go on before anything starts.
    """

    _doubles: Doubles | None = None  #: None when everything is executed

    def __init__(self, plan: Plan, facts: RunFacts, outputs: Outputs) -> None:
        self.plan = plan
        self.facts = facts
        self.outputs = outputs
        self.at = facts.started_at
        self.running: dict[Key, Underway] = {}
        self.children: dict[Key, Underway] = {}
        self.away: dict[Key, Away] = {}
        self.held: dict[Key, Underway] = {}
        self._ready = Ready()
        self._again = Ready()
        self._timers = Timers()
        self._records: list[Record] = []
        self._end: Outcome | None = None

    def _record(
        self,
        instance: Instance,
        event: str | None,
        data: dict[str, JSON],
        writes: Writes | None = None,
    ) -> None:
        self._records.append(Record(instance, event, data, self.at, writes))

    def _load(self, instance: Instance) -> JSON:
        if instance.output is UNLOADED:
            # What was taken over may not be stored yet.
            text = instance.output_text
            stored = self.outputs.load(instance.id) if text is None else wire.read(text)
            instance.output = stored
        return instance.output

    def _withdraw(self, key: Key) -> None:
        """Nobody waits for this call any more."""
        self.running.pop(key, None)
        self.children.pop(key, None)
        self.away.pop(key, None)

    def _cancel(self, instance: Instance) -> None:
        """Abandons what has begun, unless its end stands already."""
        if is_final(instance.status):
            return
        instance.status = StageStatus.CANCELLED
        instance.wake_at = None
        instance.completed_at = self.at
        if self._stored_end(instance) is None:
            self._record(instance, None, {})

    # What floors above provide.

    def _stored_end(self, instance: Instance) -> Instance | None:
        """The stored row of an owner that comes up again, when that row is final."""
        return None

    def _offer(self, planned: PlannedStage, scope: Scope) -> None:
        """A stage's dependencies are finished."""
        self._ready.push(planned, scope)

    def _skip(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, reason: str
    ) -> None:
        raise NotImplementedError

    def _ask(self, run: OwnerRun, question: Callable[..., Sequence[Move]], *facts: Any) -> None:
        raise NotImplementedError

    def _complete(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        output: JSON | Callable[[], JSON],
    ) -> None:
        raise NotImplementedError

    def _fail(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        error: RunError,
        retry_after_ms: int | None = None,
    ) -> None:
        raise NotImplementedError

    # Of these, what is asked only while something stands in for stages.

    def _may_reuse(self, planned: PlannedStage, scope: Scope) -> bool:
        """Whether an owner that begins has the inputs that it had in the source."""
        raise NotImplementedError

    def _was_opened(self, shape: BodyShape, path: tuple[int, ...], round: int) -> bool:
        raise NotImplementedError

    def _first_round(
        self, run: OwnerRun, shape: BodyShape, path: tuple[int, ...], least: int
    ) -> int:
        """The round that an owner's first opening of a body had in the source."""
        raise NotImplementedError

    def _was_tried_again(self, planned: PlannedStage, scope: Scope, instance: Instance) -> bool:
        raise NotImplementedError

    def _was_skipped(self, scope: Scope, instance: Instance) -> bool:
        raise NotImplementedError

    def _stands_in(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, names: StageNames
    ) -> bool:
        """Whether something answered instead of the component. Raises StageError."""
        raise NotImplementedError
