"""A coordinator that remembers what it had whenever a stage run ended."""

from __future__ import annotations

from typing import Any

from app.core.states import StageStatus
from app.engine.coordinator import Coordinator
from app.engine.coordinator.writes import merge, with_writes
from app.engine.instance import Instance, Key


class Watched(Coordinator):
    """Notes by the id of each stage run that ended what was final in its body and those around it,
    and the variables there; and by key what its config became."""

    def __init__(self, *facts: Any, **doubles: Any) -> None:
        self.seen: dict[str, tuple[list[dict[str, str]], Any]] = {}
        self.inputs: dict[Key, Any] = {}
        super().__init__(*facts, **doubles)

    def _leave_live(self, scope, stage_id, instance):
        super()._leave_live(scope, stage_id, instance)
        openings = [shown(around.done) for around in scope.chain()]
        self.seen[instance.id] = (openings, scope)

    def _finish(self, planned, scope, instance):
        super()._finish(planned, scope, instance)
        parts = (scope.written.get(id, {}) for id in scope.shape.body.stages)
        variables = with_writes(scope.variables, merge(parts))
        self.seen[instance.id] = (self.seen[instance.id][0], variables)

    def _resolved(self, planned, names):
        values = super()._resolved(planned, names)
        self.inputs[names._scope.key_of(planned.stage.id)] = values
        return values


def shown(done: dict[str, Instance]) -> dict[str, str]:
    return {stage_id: instance.id for stage_id, instance in done.items() if is_ended(instance)}


def is_ended(instance: Instance) -> bool:
    return instance.status is not StageStatus.CANCELLED
