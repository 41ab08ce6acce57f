"""A stage that is ready is skipped or begins an attempt: here, in the pool, or as another run."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

from app.core.errors import StageError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coercion import build_inputs
from app.engine.component import Effect
from app.engine.context import StageContext
from app.engine.coordinator.evaluating import evaluator_elsewhere, evaluator_here
from app.engine.coordinator.finishing import Finishing
from app.engine.coordinator.ledger import Underway
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.scope import Scope
from app.engine.instance import Call, ChildCall, Instance, child_run_id
from app.engine.owner import Owner
from app.engine.planner import PlannedStage


class Attempts(Finishing):
    """Begins attempts."""

    def _begin(self, planned: PlannedStage, scope: Scope) -> Call | ChildCall | None:
        stage_id, component = planned.stage.id, planned.component
        instance = scope.live.get(stage_id)
        if not scope.alive or (instance is None and scope.error is not None):
            return None
        if instance is not None and self._is_awaited(planned, instance):
            inputs = build_inputs(component.fields, instance.input or {})
            return self._call_child(planned, scope, instance, inputs)
        attempt = instance.attempt + 1 if instance else 1
        names = StageNames(self.facts, self._load, planned, scope, attempt)
        try:
            reason = self._why_skipped(planned, scope, instance, names)
            if reason is not None:
                self._skip(planned, scope, instance, reason)
                return None
            if self._doubles is not None and self._stands_in(planned, scope, instance, names):
                return None
            values = self._resolved(planned, names)
            inputs = build_inputs(component.fields, values)
        except StageError as refused:
            self._refuse(planned, scope, self._start(planned, scope, instance), refused)
            return None
        keeps_input = component.effect is Effect.OWNER
        instance = self._start(planned, scope, instance, values if keeps_input else None)
        if isinstance(component, Owner):
            self._begin_owner(planned, scope, names, inputs, self.at)
        elif component.awaits_child:
            return self._call_child(planned, scope, instance, inputs)
        elif component.runs_inline(inputs):
            self._run_here(planned, scope, instance, inputs, names)
        else:
            return self._call(planned, scope, instance, inputs, names)
        return None

    def _why_skipped(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, names: StageNames
    ) -> str | None:
        reason = scope.skip_reason(planned) if instance is None else None
        if reason is None and planned.when is not None and not planned.when.evaluate(names):
            return "when"
        return reason

    def _resolved(self, planned: PlannedStage, names: StageNames) -> dict[str, JSON]:
        """The config with the values of its templates. Raises StageError."""
        values: dict[str, JSON] = planned.config.resolve(names)
        if not planned.config.constant:
            self._seal.check_inputs(values)
        return values

    def _start(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance | None,
        kept_input: JSON = None,
    ) -> Instance:
        instance = instance or self._new(planned, scope)
        previous = instance.error
        instance.status = StageStatus.RUNNING
        instance.attempt += 1
        instance.error = instance.wake_at = None
        instance.input = kept_input
        if instance.started_at is None:
            instance.started_at = self.at
        scope.live[planned.stage.id] = instance
        told_before = {"previous_error": previous.to_json()} if previous else {}
        self._record(instance.picture(), "stage_started", told_before)
        return instance

    def _context(
        self, planned: PlannedStage, scope: Scope, instance: Instance, names: StageNames
    ) -> StageContext:
        return StageContext(
            run_id=self.facts.run_id,
            stage_id=planned.stage.id,
            attempt=instance.attempt,
            iteration_path=scope.path,
            round=scope.round,
            trace_id=self.facts.trace_id,
            max_output_bytes=self.facts.max_output_bytes,
            variables=scope.view(planned),
            evaluate=evaluator_here(names) if planned.evaluates else None,
            remaining_stages=partial(_remaining, scope),
        )

    def _run_here(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        inputs: SimpleNamespace,
        names: StageNames,
    ) -> None:
        context = self._context(planned, scope, instance, names)
        try:
            output = planned.component.run(context, inputs)
        except Exception as raised:
            self._keep(instance, context.logs)
            return self._refuse(planned, scope, instance, raised)
        self._keep(instance, context.logs)
        self._complete(planned, scope, instance, output)

    def _call(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        inputs: SimpleNamespace,
        names: StageNames,
    ) -> Call:
        component, limit = planned.component, planned.stage.timeout_ms
        self.running[instance.key] = Underway(planned, scope, instance)
        limit = component.timeout_of(inputs) if limit is None else limit
        evaluate = evaluator_elsewhere(names, component, inputs) if planned.evaluates else None
        return Call(instance.key, instance.attempt, component, inputs, limit, instance.id, evaluate)

    @staticmethod
    def _is_awaited(planned: PlannedStage, instance: Instance) -> bool:
        """Whether this stage of a rebuilt run was waiting for its child: it goes on to."""
        waits = instance.status is StageStatus.RUNNING
        return waits and planned.component.awaits_child and instance.input is not None

    def _call_child(
        self, planned: PlannedStage, scope: Scope, instance: Instance, inputs: SimpleNamespace
    ) -> ChildCall:
        limits = (planned.stage.timeout_ms, planned.component.timeout_of(inputs))
        self.children[instance.key] = Underway(planned, scope, instance)
        assert instance.started_at is not None
        return ChildCall(
            instance.key,
            instance.attempt,
            inputs,
            min((limit for limit in limits if limit is not None), default=None),
            child_run_id(instance.id, instance.failures, instance.started_at),
            scope.view(planned),
        )


def _remaining(scope: Scope) -> list[str]:
    """Stages of this body and of those around it that have not begun, in document order."""
    rest = [member for around in scope.chain() for member in around.unreached()]
    return [member.stage.id for member in sorted(rest, key=lambda member: member.index)]
