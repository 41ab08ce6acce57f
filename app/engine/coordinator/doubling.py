"""Outputs are given, mocks answer, and effects are kept in the house, instead of executing."""

from __future__ import annotations

from dataclasses import replace

from app.core.errors import StageError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coercion import build_inputs
from app.engine.component import Effect
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.reusing import Reusing
from app.engine.coordinator.scope import Scope
from app.engine.doubles import Doubles, Mock, misfit, not_mocked
from app.engine.instance import Instance
from app.engine.operators.subpipeline import waits
from app.engine.planner import PlannedStage


class Doubling(Reusing):
    """Answers in place of components, in the turn of a stage and after the rules of skipping."""

    def _stands_in(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, names: StageNames
    ) -> bool:
        doubles, stage_id = self._doubles, planned.stage.id
        assert doubles is not None
        if stage_id in doubles.outputs:
            self._give(planned, scope, instance, doubles.outputs[stage_id])
            return True
        if doubles.mocks is not None:
            return self._is_mocked(planned, scope, instance, names, doubles)
        if doubles.is_dry and stage_id not in doubles.live:
            return self._is_kept_in(planned, scope, instance, names)
        return False

    def _give(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, output: JSON
    ) -> None:
        """Completes a stage without executing it. Raises StageError when it could not give that."""
        misfit(planned.component, output)
        given = self._given(planned, scope, instance)
        self._complete(planned, scope, given, output)

    def _given(self, planned: PlannedStage, scope: Scope, instance: Instance | None) -> Instance:
        instance = self._start(planned, scope, instance) if instance else self._new(planned, scope)
        scope.live[planned.stage.id] = instance
        instance.started_at = self.at
        instance.reused = True
        return instance

    def _is_mocked(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance | None,
        names: StageNames,
        doubles: Doubles,
    ) -> bool:
        mock = doubles.mock_of(planned)
        if mock is not None:
            build_inputs(planned.component.fields, self._resolved(planned, names))
            self._answer(planned, scope, instance, mock)
        elif doubles.forbids(planned):
            self._forbid(planned, scope, self._start(planned, scope, instance))
        else:
            return False
        return True

    def _answer(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, mock: Mock
    ) -> None:
        instance = self._start(planned, scope, instance)
        mock = mock.at(instance.key)
        if mock.error is not None:
            error = replace(mock.error, stage_id=planned.stage.id)
            return self._fail(planned, scope, instance, error)
        output = mock.output_of(instance.key)
        try:
            misfit(planned.component, output)
        except StageError as refused:
            return self._refuse(planned, scope, instance, refused)
        self._complete(planned, scope, instance, output)

    def _forbid(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        """Fails the stage, and with it the run."""
        instance.failures += 1
        instance.status = StageStatus.FAILED
        instance.error = not_mocked(planned.stage.id)
        self._ended(planned, scope, instance, "stage_failed", {"continued": False})

    def _is_answered(self, planned: PlannedStage) -> bool:
        """Whether this owner never opens a body: a mock answers for it."""
        doubles = self._doubles
        return doubles is not None and doubles.mock_of(planned) is not None

    def _is_kept_in(
        self, planned: PlannedStage, scope: Scope, instance: Instance | None, names: StageNames
    ) -> bool:
        component = planned.component
        if component.effect is not Effect.EFFECTFUL and not component.awaits_child:
            return False
        inputs = build_inputs(component.fields, self._resolved(planned, names))
        if component.awaits_child and waits(inputs):
            return False
        source, key = self._source, scope.key_of(planned.stage.id)
        row = None if source is None else source.recorded(key)
        if row is None:
            self._skip(planned, scope, instance, "dry_run")
        else:
            given = self._given(planned, scope, instance)
            self._put(planned, given, row)
            given.status = StageStatus.COMPLETED
            self._ended(planned, scope, given, "stage_completed", {})
        return True
