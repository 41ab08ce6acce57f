"""Owners are told facts and obeyed: their moves open, abandon and end bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from app.core.errors import RunError, too_slow
from app.engine.coordinator.bodies import Bodies
from app.engine.coordinator.evaluating import evaluator_here
from app.engine.coordinator.failures import as_stage_error
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.scope import OwnerRun, Scope
from app.engine.owner import Alarm, Cancel, Done, Fail, Move, Open, Owner, Skip
from app.engine.planner import PlannedStage

MAX_LOOPS = 400  #: inside each other; an iteration path is part of a key in the database


def _too_deep(stage_id: str) -> RunError:
    return RunError("CONTROL_FLOW", f"Loops nest deeper than {MAX_LOOPS}.", stage_id)


class Owning(Bodies):
    """Runs reducers."""

    def _begin_owner(
        self,
        planned: PlannedStage,
        scope: Scope,
        names: StageNames,
        inputs: Any,
        began_at: int,
    ) -> None:
        owner: Any = type(planned.component)
        evaluate = evaluator_here(names)
        reducer: Owner = owner(planned.stage.id, inputs, evaluate, self.facts)
        run = scope.owners[planned.stage.id] = OwnerRun(planned, scope, reducer, began_at)
        run.reuses = self._doubles is not None and self._may_reuse(planned, scope)
        self._limit(run)
        self._ask(run, reducer.start)

    def _limit(self, run: OwnerRun) -> None:
        """Ends the attempt once it has taken longer than the stage allows."""
        stage = run.planned.stage
        if stage.timeout_ms is None:
            return

        def end() -> None:
            self._end_owner(run, Fail(too_slow().at(stage.id)))

        since = run.since(self.at)
        self._timers.add(since + stage.timeout_ms, lambda: run.alive, end, since)

    def _ask(self, run: OwnerRun, question: Callable[..., Sequence[Move]], *facts: Any) -> None:
        """Tells an owner a fact and does what it answers."""
        stage_id = run.planned.stage.id
        run.reducer.elapsed_ms = run.since(self.at) - run.began_at
        try:
            moves = question(*facts)
        except Exception as raised:
            moves = [Fail(as_stage_error(raised, stage_id).at(stage_id))]
        self._apply(run, moves)

    def _apply(self, run: OwnerRun, moves: Sequence[Move]) -> None:
        for move in moves:
            if not run.alive:
                return
            if isinstance(move, Open):
                self._open_at(run, move)
            elif isinstance(move, Cancel):
                self._abandon(run, move.tag)
            elif isinstance(move, Skip):
                self._skip_body(run, move)
            elif isinstance(move, Alarm):
                self._alarm_at(run, move)
            else:
                self._end_owner(run, move)

    def _open_at(self, run: OwnerRun, move: Open) -> None:
        if move.index is not None and len(run.scope.path) >= MAX_LOOPS:
            return self._end_owner(run, Fail(_too_deep(run.planned.stage.id)))
        if not move.after_ms or (run.reuses and self._was_waited_for(run, move)):
            return self._open(run, move)
        run.waiting[move.tag] = move

        def is_wanted() -> bool:
            return run.alive and run.waiting.get(move.tag) is move

        def open_now() -> None:
            del run.waiting[move.tag]
            self._open(run, move)

        self._timers.add(run.since(self.at) + move.after_ms, is_wanted, open_now)

    def _was_waited_for(self, run: OwnerRun, move: Open) -> bool:
        """Whether this opening stands in the run that this one is forked from."""
        shape, path = self._shape((run.planned.stage.id, move.body)), run.scope.path
        path = path if move.index is None else (*path, move.index)
        return self._was_opened(shape, path, self._next_round(run, shape, path))

    def _abandon(self, run: OwnerRun, tag: Any) -> None:
        run.waiting.pop(tag, None)
        scope = run.openings.pop(tag, None)
        if scope is not None:
            self._kill(scope)

    def _alarm_at(self, run: OwnerRun, move: Alarm) -> None:
        def is_wanted() -> bool:
            return run.alive

        def ring() -> None:
            self._ask(run, run.reducer.alarm, move.tag)

        since = run.since(self.at)
        self._timers.add(since + move.after_ms, is_wanted, ring, since)

    def _end_owner(self, run: OwnerRun, move: Done | Fail) -> None:
        planned, scope = run.planned, run.scope
        stage_id = planned.stage.id
        self._stop(run)
        del scope.owners[stage_id]
        scope.take_writes(run)
        instance = scope.live[stage_id]
        if isinstance(move, Done):
            self._complete(planned, scope, instance, move.output)
        else:
            self._fail(planned, scope, instance, move.error)
