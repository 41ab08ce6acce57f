"""A run is rebuilt: its stored rows are fed, in order, through the code that made them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace

from app.core.errors import StageError
from app.core.states import StageStatus
from app.engine.coercion import build_inputs
from app.engine.control import Pause
from app.engine.coordinator.doubling import Doubling
from app.engine.coordinator.facts import Outputs, RunFacts
from app.engine.coordinator.ledger import Underway
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.past import Past
from app.engine.coordinator.queues import Ready
from app.engine.coordinator.scope import Scope
from app.engine.doubles import NO_DOUBLES, Doubles
from app.engine.instance import Instance
from app.engine.owner import Owner
from app.engine.planner import Plan, PlannedStage


class Replay(Doubling):
    """While there is a past, stages wait for their rows instead of starting.

    Owners begin where they began; what they decided follows from their bodies' rows and from the
    recorded times, so their own rows only spare what stands from being written again. They wait in
    `_reliving` until `_settle`, so that nothing calls itself however deep they nest.
    """

    def __init__(
        self,
        plan: Plan,
        facts: RunFacts,
        outputs: Outputs,
        new_id: Callable[[], str],
        past: Past | None = None,
        doubles: Doubles = NO_DOUBLES,
    ) -> None:
        super().__init__(plan, facts, outputs, new_id, doubles)
        self._past = past
        self._reliving = Ready()
        self._enter(self.root)
        self._settle()

    def _offer(self, planned: PlannedStage, scope: Scope) -> None:
        past = self._past
        if past is None:
            if self._source is None or not self._is_reused(planned, scope):
                self._ready.push(planned, scope)
            return
        key = scope.key_of(planned.stage.id)
        # What was to be taken over when the worker stopped still is, once its rows are fed.
        if self._source is not None and not past.knows(key) and self._is_reused(planned, scope):
            return
        past.awaited[key] = (planned, scope)
        row = past.recall(key)
        if row is not None:
            scope.live[key.stage_id] = row
            if isinstance(planned.component, Owner) and self._begins_again(planned, row):
                self._reliving.push(planned, scope)

    def _begins_again(self, planned: PlannedStage, row: Instance) -> bool:
        """Whether this owner opened bodies in this run, which now open again."""
        return not (row.reused or self._is_answered(planned))

    def _settle(self) -> None:
        """Also begins the owners that came up again, in the order in which they began then, and
        takes over what can be.
        """
        super()._settle()
        while (owner := self._reliving.pop(True)) is not None:
            self._relive_first(*owner)
            super()._settle()
        # Nothing is taken over before all that was is fed.
        while self._reusable and self._past is None:
            self._reuse_next()
            super()._settle()

    def _relive_first(self, planned: PlannedStage, scope: Scope) -> None:
        if scope.alive:
            row = scope.live[planned.stage.id]
            # Without retries each attempt but the last was interrupted before it began.
            is_retried = planned.stage.retry.max_attempts > 1
            self._relive(planned, scope, row, 1 if is_retried else row.attempt)

    def _wake(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        past = self._past
        if past is None:
            return self._ready.push(planned, scope)
        row = past.next_attempt(instance)
        if row is None:
            past.awaited[instance.key] = (planned, scope)
        else:
            self._relive(planned, scope, row, instance.attempt + 1)

    def _relive(self, planned: PlannedStage, scope: Scope, row: Instance, attempt: int) -> None:
        """An owner begins once more where it began then."""
        past = self._past
        assert past is not None
        if attempt == row.attempt and row.input is None:
            # Refused before it opened a body: waited for like any other stage. If it was
            # interrupted even before that, it is made again under its own number.
            row.attempt -= row.status is StageStatus.RUNNING and row.error is None
            scope.live[planned.stage.id] = row
            past.awaited[row.key] = (planned, scope)
            return
        instance = scope.live[planned.stage.id] = past.relive(row, attempt)
        names = StageNames(self.facts, self._load, planned, scope, attempt)
        began_at = (row.started_at if attempt == 1 else None) or self.at
        try:
            inputs = self._relived_inputs(planned, scope, instance, row, names)
        except StageError as refused:
            refuse = partial(self._refuse, planned, scope, instance, refused)
            self._timers.add(max(began_at, self.at), partial(scope.has_live, instance), refuse)
        else:
            self._begin_owner(planned, scope, names, inputs, began_at)

    def _relived_inputs(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        row: Instance,
        names: StageNames,
    ) -> SimpleNamespace:
        """The inputs that the attempt had. Raises the StageError that refused it then.

        The row holds those of the last attempt; earlier ones are resolved again, for they may look
        at `context.attempt`.
        """
        values = row.input
        if instance.attempt < row.attempt:
            self._why_skipped(planned, scope, instance, names)
            values = instance.input = self._resolved(planned, names)
        return build_inputs(planned.component.fields, values)

    def _stored_end(self, instance: Instance) -> Instance | None:
        return self._past.end_of(instance.key) if self._past is not None else None

    def _stored_wait(self, instance: Instance) -> bool:
        return self._past is not None and self._past.knows_wait(instance)

    def tick(self, at: int) -> None:
        """The time is `at`: whatever was due until then happens at its own time."""
        while (timer := self._timers.pop_due(at)) is not None:
            self.at = max(self.at, timer.at)
            timer.fire()
            self._settle()
        self.at = max(self.at, at)

    def _feed_all(self, rows: Sequence[Instance], pauses: Sequence[Pause]) -> None:
        """Feeds rows and pauses in the order in which they were."""
        fed = 0
        for pause in pauses:
            for row in rows[fed : pause.after]:
                self._feed(row)
            fed = pause.after
            self._stand_still(pause)
        for row in rows[fed:]:
            self._feed(row)

    def _stand_still(self, pause: Pause) -> None:
        """Limits of owners do not count a pause; a retry delay goes on meanwhile."""
        self.tick(pause.since)
        length = pause.until - pause.since
        self._timers.stand_still(pause.until, length)
        for scope in self._open_scopes():
            for run in scope.owners.values():
                if run.began_at < pause.until:
                    run.began_at += length
        self.at = max(self.at, pause.until)
        self.tick(self.at)

    def _open_scopes(self) -> Iterator[Scope]:
        """All bodies that are open, each after the one that its owner stands in."""
        scopes = [self.root]
        for scope in scopes:  # grows while it is walked, however deep owners nest
            yield scope
            for run in scope.owners.values():
                scopes += run.openings.values()

    def _holds_back(self, planned: PlannedStage, scope: Scope, instance: Instance) -> bool:
        """Whether the failure of an owner that comes up again took effect later, or has not."""
        past = self._past
        row = past.held_failure(instance.key, self.at) if past is not None else None
        if past is None or row is None:
            return False
        if row.status is StageStatus.FAILED:
            past.awaited[row.key] = (planned, scope)
        else:
            self.held[row.key] = Underway(planned, scope, instance)
        return True

    def _feed(self, row: Instance) -> None:
        assert self._past is not None and row.completed_at is not None
        self.tick(row.completed_at)
        # What is not awaited follows by itself: the end of an owner, whatever was abandoned.
        if row.key in self._past.awaited:
            planned, scope = self._past.awaited.pop(row.key)
            if scope.alive:
                if row.reused:
                    self._retake(planned, scope, row.key)
                self._finish(planned, scope, row)
                self._settle()
        elif row.reused:
            self._taken_ahead.add(row.key)

    def _end_replay(self) -> None:
        """What still waits for a row had none: from here on it really starts."""
        past, self._past = self._past, None
        assert past is not None
        for key, (planned, scope) in past.awaited.items():
            row = scope.live.get(key.stage_id) if scope.alive else None
            if row is not None and row.status is StageStatus.PENDING:
                self._wake_later(planned, scope, row)
            elif row is not None and row.status is StageStatus.RUNNING and row.error:
                self.held[key] = Underway(planned, scope, row)  # failed, without effect so far
            else:
                (self._ready if row is None else self._again).push(planned, scope)
        for row in past.left_over():
            self._cancel(row)
        self._settle()
        self.tick(self.at)
