"""Bodies open, end and are abandoned; finished stages make others ready."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from app.core.errors import RunError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coordinator.ending import returned, run_ending
from app.engine.coordinator.facts import Outputs, RunFacts
from app.engine.coordinator.ledger import Ledger
from app.engine.coordinator.scope import BodyShape, OwnerRun, Scope
from app.engine.coordinator.writes import Writes
from app.engine.doubles import is_not_mocked
from app.engine.instance import Failed, Instance, Result
from app.engine.owner import Open, Skip
from app.engine.planner import ROOT, Plan, PlannedStage


class Bodies(Ledger):
    """Opens and ends bodies.

    A body that is over waits in `_closing` until `_settle`, so that nothing here calls itself
    however many bodies end at once.
    """

    def __init__(self, plan: Plan, facts: RunFacts, outputs: Outputs) -> None:
        super().__init__(plan, facts, outputs)
        self._closing: deque[Scope] = deque()
        self._shapes: dict[tuple[str | None, str], BodyShape] = {}
        self._rounds: dict[tuple[Any, tuple[int, ...]], int] = {}
        self.root = Scope(self._shape(ROOT), facts.variables)
        if facts.timeout_ms is not None:
            limit = facts.started_at + facts.timeout_ms
            self._timers.add(limit, lambda: self._end is None, self._time_out)

    def _shape(self, key: tuple[str | None, str]) -> BodyShape:
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = BodyShape(self.plan, self.plan.bodies[key])
        return shape

    def _open(self, run: OwnerRun, move: Open) -> None:
        shape = self._shape((run.planned.stage.id, move.body))
        path = run.scope.path if move.index is None else (*run.scope.path, move.index)
        variables = run.variables if move.sees_earlier else run.base
        scope = Scope(shape, variables, path, self._round(run, shape, path), run, move)
        run.opened += 1
        run.openings[move.tag] = scope
        self._enter(scope)

    def _round(self, run: OwnerRun, shape: BodyShape, path: tuple[int, ...]) -> int:
        """A repeatable body counts its openings; any other takes its owner's round."""
        round = self._next_round(run, shape, path)
        body = shape.body
        if body.repeatable or run.planned.stage.retry.max_attempts > 1:
            self._rounds[(body.owner, body.name), path] = round + 1
        return round

    def _next_round(self, run: OwnerRun, shape: BodyShape, path: tuple[int, ...]) -> int:
        body, own = shape.body, run.scope.round
        if not body.repeatable and run.planned.stage.retry.max_attempts == 1:
            return own
        taken = self._rounds.get(((body.owner, body.name), path), 0)
        if run.reuses and body.repeatable and not run.opened:
            taken = self._first_round(run, shape, path, taken)
        return taken if body.repeatable else max(own, taken)

    def _enter(self, scope: Scope) -> None:
        for member in scope.shape.members:
            if not member.needs:
                self._offer(member, scope)
        if scope.is_over:
            self._closing.append(scope)

    def _settle(self) -> None:
        """Ends every body that is over, and whatever ends by that."""
        while self._closing:
            scope = self._closing.popleft()
            if scope.alive:
                self._close(scope)

    def _close(self, scope: Scope) -> None:
        scope.alive = False
        run, move = scope.run, scope.move
        if run is None or move is None:
            self._end = run_ending(self.plan, self.root, self._load)
            return
        if scope.error is not None and scope.shape.body.tells_rest:
            self._skip_rest(scope, "not_reached")
        del run.openings[move.tag]
        run.remember(scope)
        self._ask(run, run.reducer.body_done, move.tag, scope.result(self._load))

    def _skip_all(self, scopes: Iterable[Scope], reason: str) -> None:
        for scope in scopes:
            self._skip_rest(scope, reason)

    def _skip_rest(self, scope: Scope, reason: str) -> None:
        """Says of every member that has not begun that it never will."""
        for member in scope.unreached():
            self._skip(member, scope, None, reason)

    def _skip_body(self, run: OwnerRun, move: Skip) -> None:
        shape = self._shape((run.planned.stage.id, move.body))
        path = run.scope.path
        scope = Scope(shape, run.variables, path, self._round(run, shape, path), run)
        scope.alive = False
        self._skip_rest(scope, "not_reached")

    def _finish(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        """A stage run is final: those that waited for it may be ready, its body may be over."""
        stage_id = planned.stage.id
        self._leave_live(scope, stage_id, instance)
        if self._doubles is not None and is_not_mocked(instance.error):
            assert instance.error is not None
            return self._abort(instance.error)
        if instance.status is StageStatus.FAILED and planned.stage.on_error != "continue":
            scope.error = scope.error or instance.error
        elif planned.component.reads_back:
            self._heed(planned, scope, instance)
        if scope.alive and scope.error is None and scope.leaving is None:
            self._offer_users(planned, scope)
        if scope.alive and scope.is_over:
            self._closing.append(scope)

    def _leave_live(self, scope: Scope, stage_id: str, instance: Instance) -> None:
        scope.live.pop(stage_id, None)
        scope.done[stage_id] = instance
        scope.left -= 1

    def _offer_users(self, planned: PlannedStage, scope: Scope) -> None:
        needs = scope.needs
        for user in planned.users:
            needs[user] -= 1
            if not needs[user]:
                self._offer(self.plan.stages[user], scope)

    def _heed(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        """What a stage says beyond its output: gates, variables, leaving the loop or the run."""
        component, config = planned.component, planned.stage.config
        if instance.status is StageStatus.SKIPPED:
            return
        scope.closed = scope.closed.union(component.closes(config, instance.output))
        if instance.status is not StageStatus.COMPLETED:
            return
        writes = self._written(planned, instance)
        if writes:
            scope.written[planned.stage.id] = writes
        flag = component.loop_control
        if flag is not None and instance.output.get(flag):
            self._leave_loop(scope, *_iteration_end(flag, instance.output))
        if component.run_control is not None and instance.output.get(component.run_control):
            self._leave_run(planned.stage.id, instance.output)

    @staticmethod
    def _written(planned: PlannedStage, instance: Instance) -> Writes:
        """The variables that a completed stage wrote by itself."""
        writes = planned.component.variables(planned.stage.config, instance.output)
        return {(name, stays): value for name, (value, stays) in writes.items()}

    def _leave_run(self, stage_id: str, output: JSON) -> None:
        """Ends the run: what is under way is abandoned, the rest is skipped."""
        self._skip_all(self._kill(self.root), "return")
        self._end = returned(self.plan, stage_id, output)

    def _time_out(self) -> None:
        limit = self.facts.timeout_ms
        self._abort(RunError("TIMEOUT", f"The run did not end within {limit} ms."))

    def _abort(self, error: RunError) -> None:
        """Ends the run, whatever is under way."""
        self._kill(self.root)
        self._end = Failed(error)

    def _leave_loop(self, scope: Scope, result: Result, reason: str) -> None:
        """Ends the innermost iteration: what has begun goes on, the rest is skipped.

        Owners between it and the stage that ends it are cancelled with what they run.
        """
        while not scope.shape.body.loop:
            run = scope.run
            if run is None:
                return
            run.remember(scope)  # what was set before is no part of the rest
            left = self._stop(run)
            self._skip_all(left, reason)
            scope = run.scope
            scope.take_writes(run)
            self._leave_live(scope, run.planned.stage.id, self._cancelled(scope, run))
        if scope.leaving is None:
            scope.leaving = (result, reason)
            for member in scope.unoffered():
                self._offer(member, scope)
        if scope.alive and scope.is_over:
            self._closing.append(scope)

    def _cancelled(self, scope: Scope, run: OwnerRun) -> Instance:
        instance = scope.live[run.planned.stage.id]
        del scope.owners[run.planned.stage.id]
        self._cancel(instance)
        return instance

    def _kill(self, opening: Scope) -> list[Scope]:
        """Abandons an opening and those inside of it: nothing of them may write any more.

        Gives all of them, the outermost first.
        """
        killed = [opening]
        for scope in killed:  # grows while it is walked, however deep owners nest
            scope.alive = False
            for stage_id, instance in scope.live.items():
                run = scope.owners.get(stage_id)
                if run is not None:
                    killed += run.close()
                self._withdraw(instance.key)
                self._cancel(instance)
        return killed

    def _stop(self, run: OwnerRun) -> list[Scope]:
        """Ends an attempt of an owner; gives all openings that it leaves."""
        return [killed for opening in run.close() for killed in self._kill(opening)]


def _iteration_end(flag: str, output: JSON) -> tuple[Result, str]:
    """How break_loop or continue_loop ends its iteration, and why the rest is skipped."""
    broken = flag == "broken"
    given = output.get("result") if broken else None
    result = Result(StageStatus.COMPLETED, given, broken=broken, continued=not broken)
    return result, "break" if broken else "continue"
