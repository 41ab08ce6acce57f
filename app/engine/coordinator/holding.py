"""A run halts where people ask it to, and goes on from there (contract 05, Control)."""

from __future__ import annotations

from typing import NamedTuple

from app.core.errors import StageError
from app.core.states import StageStatus
from app.engine.control import GO_ON, NOWHERE, Control
from app.engine.coordinator.ledger import Underway
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.replay import Replay
from app.engine.coordinator.scope import Scope
from app.engine.instance import Instance, Key, Paused, Place
from app.engine.planner import PlannedStage

Chosen = tuple[PlannedStage, Scope]


class Standing(NamedTuple):
    """Ids of stages outside bodies, in document order."""

    completed: list[str]
    pending: list[str]  #: those that are not final


class Holding(Replay):
    """Keeps stages from starting and failures from taking effect.

    A halted run starts nothing; once nothing runs any more it is paused. What ends or becomes due
    meanwhile happens as ever, and attempts that were under way where the run was left go on. A
    breakpoint that was hit halts until the next command, or until its stage is never to start;
    failures that are held back halt until they may take effect.
    """

    _control = GO_ON
    _passed: frozenset[Place] = frozenset()
    _hit: Chosen | None = None
    _is_free = True  #: whatever is ready may start: all that a run without control asks

    def obey(self, control: Control) -> None:
        """What people ask from now on; what they asked before is void."""
        self._control = control
        # One instance and round each, so what was passed once may stay so.
        self._passed |= {place for place in (control.passed, control.only) if place is not None}
        self._hit = None
        self._is_free = not (control.hold or control.only or control.breakpoints.before)
        if control.passed is not None:
            self._ready.prefer(control.passed.key)

    def _end_replay(self) -> None:
        # What is taken over from here on may bring about a failure that is to be held back.
        if self._past is not None:
            self._control = Control(breakpoints=self._past.breakpoints)
        super()._end_replay()

    def standing(self) -> Standing:
        """How far the stages outside bodies are."""
        done, ids = self.root.done, [member.stage.id for member in self.root.shape.members]
        completed = [id for id in ids if id in done and done[id].status is StageStatus.COMPLETED]
        return Standing(completed, [id for id in ids if id not in done])

    # Starting.

    def _can_choose(self, has_room: bool) -> bool:
        if self._again.can_pop(has_room):
            return True
        if self._is_halted():
            return False
        only = self._control.only
        return self._ready.can_pop(has_room) if only is None else self._ready.holds(only.key)

    def _choose(self, has_room: bool) -> Chosen | None:
        """What goes on or starts next, unless the run halts instead."""
        again = self._again.pop(has_room)
        if again is not None or self._is_halted():
            return again
        if self._is_free:
            return self._ready.pop(has_room)
        if self._control.only is not None:
            return self._ready.take(self._control.only.key)
        return self._unless_stopped(has_room)

    def _unless_stopped(self, has_room: bool) -> Chosen | None:
        chosen = self._ready.pop(has_room)
        if chosen is not None and self._is_stopped_at(*chosen):
            self._ready.push(*chosen)
            self._hit = chosen
            return None
        return chosen

    def _is_stopped_at(self, planned: PlannedStage, scope: Scope) -> bool:
        stage_id, before = planned.stage.id, self._control.breakpoints.before
        if stage_id not in before or stage_id in scope.live or not _is_wanted(planned, scope):
            return False
        if Place(scope.key_of(stage_id)) in self._passed:
            return False
        names = StageNames(self.facts, self._load, planned, scope, 1)
        try:
            if self._why_skipped(planned, scope, None, names) is not None:
                return False
        except StageError:
            pass  # it starts, and is refused
        condition = before[stage_id]
        try:
            return condition is None or bool(condition.evaluate(names))
        except StageError:
            return True  # better one halt too many

    def _is_halted(self) -> bool:
        if self._is_free and not self.held:
            return False
        return self._control.hold is not None or self._is_hit() or self._first_held() is not None

    def _is_hit(self) -> bool:
        """Whether the breakpoint that was hit still matters: its stage may never start now."""
        if self._hit is not None and not _is_wanted(*self._hit):
            self._hit = None
        return self._hit is not None

    # Failing.

    def _holds_back(self, planned: PlannedStage, scope: Scope, instance: Instance) -> bool:
        if super()._holds_back(planned, scope, instance):
            return True
        if self._stored_end(instance) is not None or not self._stops_failure(instance.key):
            return False
        # Stored, so that it is not executed again when the run is taken up elsewhere.
        self.held[instance.key] = Underway(planned, scope, instance)
        self._record(instance.picture(), None, {})
        return True

    def _stops_failure(self, key: Key) -> bool:
        past = self._past
        breakpoints = self._control.breakpoints if past is None else past.breakpoints
        return breakpoints.stop_failure(key.stage_id) and Place(key, True) not in self._passed

    def _release(self) -> None:
        """Failures that nothing holds back any more take effect; abandoned ones never do."""
        for held in self._in_order():
            if held.scope.has_live(held.instance) and self._stops_failure(held.instance.key):
                continue
            del self.held[held.instance.key]
            if held.scope.has_live(held.instance):
                self._take_effect(*held)
                self._settle()

    def _in_order(self) -> list[Underway]:
        return sorted(self.held.values(), key=lambda held: (held.planned.index, held.instance.key))

    def _first_held(self) -> Underway | None:
        """The failure that takes effect next."""
        alive = (held for held in self._in_order() if held.scope.has_live(held.instance))
        return next(alive, None)

    # Pausing.

    def _pause(self) -> Paused | None:
        """How the run pauses, now that nothing runs here; None when it goes on."""
        if (self._is_free and not self.held) or self.away or self._again.can_pop(True):
            return None
        held = self._first_held()
        if held is not None:
            return Paused("error", Place(held.instance.key, True), held.instance.error)
        if self._is_hit():
            assert self._hit is not None
            return Paused("breakpoint", _place(*self._hit))
        if self._control.hold is not None:
            return Paused(self._control.hold, self._next_place())
        if self._control.only is not None and not self._steps_on(self._control.only):
            return Paused("step", self._next_place())
        return None

    def _steps_on(self, place: Place) -> bool:
        """Whether the step from `place` is not done: an owner's is as soon as it began."""
        if place == NOWHERE:
            return self._first_ready() is None
        waiting = (instance.key for instance in self._between_attempts())
        return self._ready.holds(place.key) or place.key in waiting

    def _next_place(self) -> Place | None:
        """Where the run goes on: the first ready stage, else the first that tries again."""
        ready = self._first_ready()
        if ready is not None:
            return ready
        waiting = [
            (instance.wake_at, self.plan.stages[instance.key.stage_id].index, instance.key)
            for instance in self._between_attempts()
        ]
        return Place(min(waiting)[2]) if waiting else None

    def _first_ready(self) -> Place | None:
        return next((_place(*ready) for ready in self._ready if _is_wanted(*ready)), None)

    def _between_attempts(self) -> list[Instance]:
        return [
            instance
            for scope in self._open_scopes()
            for instance in scope.live.values()
            if instance.status is StageStatus.PENDING
        ]


def _place(planned: PlannedStage, scope: Scope) -> Place:
    return Place(scope.key_of(planned.stage.id))


def _is_wanted(planned: PlannedStage, scope: Scope) -> bool:
    """Whether what is ready would begin: after a failure only what had begun does."""
    return scope.alive and (scope.error is None or planned.stage.id in scope.live)
