"""How an attempt ends: well, badly, or for another time; and stages that never begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from app.core.clock import text_of_ms
from app.core.errors import RunError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coordinator.facts import Outputs, RunFacts
from app.engine.coordinator.failures import as_stage_error
from app.engine.coordinator.owning import Owning
from app.engine.coordinator.retries import after_failure
from app.engine.coordinator.scope import Scope
from app.engine.coordinator.sealing import Seal
from app.engine.coordinator.writes import Writes
from app.engine.instance import Instance
from app.engine.planner import Plan, PlannedStage


class Finishing(Owning):
    """Ends attempts."""

    def __init__(
        self, plan: Plan, facts: RunFacts, outputs: Outputs, new_id: Callable[[], str]
    ) -> None:
        super().__init__(plan, facts, outputs)
        self._new_id = new_id
        self._seal = Seal(facts)

    def _skip(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, reason: str
    ) -> None:
        instance = instance or self._new(planned, scope)
        instance.status = StageStatus.SKIPPED
        instance.skip_reason = reason
        instance.reused = self._doubles is not None and self._was_skipped(scope, instance)
        self._ended(planned, scope, instance, "stage_skipped", {"reason": reason})

    def _new(self, planned: PlannedStage, scope: Scope) -> Instance:
        stage = planned.stage
        return Instance(
            self._new_id(), scope.key_of(stage.id), stage.component_type, stage_name=stage.name
        )

    def _keep(self, instance: Instance, logs: Sequence[dict[str, JSON]], usage: Any = None) -> None:
        if logs:
            stamp = text_of_ms(self.at)
            instance.logs = [*instance.logs, *({"at": stamp, **entry} for entry in logs)]
        instance.usage = usage or instance.usage

    def _complete(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        output: JSON | Callable[[], JSON],
    ) -> None:
        stored = self._stored_end(instance)
        if stored is not None:
            return self._finish(planned, scope, stored)
        try:
            instance.output = output() if callable(output) else output
            instance.output_text = self._seal.text(instance.output)
        except Exception as raised:
            instance.output = None
            instance.reused = False  # what was given in place of executing it did not fit
            return self._refuse(planned, scope, instance, raised)
        instance.status = StageStatus.COMPLETED
        self._ended(planned, scope, instance, "stage_completed", {})

    def _refuse(
        self, planned: PlannedStage, scope: Scope, instance: Instance, raised: Exception
    ) -> None:
        error = as_stage_error(raised, planned.stage.id)
        self._fail(planned, scope, instance, error.at(planned.stage.id), error.retry_after_ms)

    def _fail(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        error: RunError,
        retry_after_ms: int | None = None,
    ) -> None:
        instance.failures += 1
        verdict = after_failure(planned.stage.retry, instance, error, retry_after_ms)
        if not isinstance(verdict, RunError):
            return self._retry(planned, scope, instance, error, verdict)
        instance.error = verdict
        if not self._holds_back(planned, scope, instance):
            self._take_effect(planned, scope, instance)

    def _holds_back(self, planned: PlannedStage, scope: Scope, instance: Instance) -> bool:
        """Whether this failure, which is final, is not to take effect yet."""
        return False

    def _take_effect(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        """A stage run has failed for good."""
        instance.status = StageStatus.FAILED
        continued = planned.stage.on_error == "continue"
        self._ended(planned, scope, instance, "stage_failed", {"continued": continued})

    def _ended(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        event: str,
        data: dict[str, JSON],
    ) -> None:
        stored = self._stored_end(instance)
        if stored is None:
            instance.completed_at = self.at
            self._record(instance, event, data, self._writes_of(planned, scope, instance))
        self._finish(planned, scope, stored or instance)

    def _writes_of(self, planned: PlannedStage, scope: Scope, instance: Instance) -> Writes | None:
        """What an ended stage run wrote; an owner's writes are those of its bodies."""
        if planned.component.reads_back and instance.status is StageStatus.COMPLETED:
            return self._written(planned, instance) or None
        return scope.written.get(planned.stage.id)

    def _retry(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        error: RunError,
        delay_ms: int,
    ) -> None:
        stage_id = planned.stage.id
        scope.written.pop(stage_id, None)
        if self._doubles is not None and self._was_tried_again(planned, scope, instance):
            delay_ms = 0
        instance.status = StageStatus.PENDING
        instance.error = error
        instance.wake_at = self.at + delay_ms
        if not self._stored_wait(instance):
            self._record(instance.picture(), None, {})
        if delay_ms:
            self._wake_later(planned, scope, instance)
        else:
            self._wake(planned, scope, instance)

    def _wake_later(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        def wake() -> None:
            self._wake(planned, scope, instance)

        assert instance.wake_at is not None
        self._timers.add(instance.wake_at, partial(scope.has_live, instance), wake)

    def _stored_wait(self, instance: Instance) -> bool:
        """Whether it stands already that this attempt failed and another one follows."""
        return False

    def _wake(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        """The next attempt may begin."""
        self._ready.push(planned, scope)
