"""What the expressions of one attempt see (contract 01, Templates)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coordinator.facts import RunFacts
from app.engine.coordinator.scope import Scope
from app.engine.expressions import Names
from app.engine.instance import Instance
from app.engine.planner import PlannedStage


class StageNames:
    """The roots and upstream outputs of one attempt of a stage; looked up only when asked for."""

    __slots__ = ("_attempt", "_facts", "_load", "_planned", "_scope")

    def __init__(
        self,
        facts: RunFacts,
        load: Callable[[Instance], JSON],
        planned: PlannedStage,
        scope: Scope,
        attempt: int,
    ) -> None:
        self._facts = facts
        self._load = load
        self._planned = planned
        self._scope = scope
        self._attempt = attempt

    def root(self, name: str) -> JSON:
        """The value of a root. Raises KeyError when it does not exist here."""
        if name == "input":
            return self._facts.input
        if name == "context":
            return self._context()
        if name == "vars":
            return self._scope.view(self._planned)
        if name == "env":
            return self._facts.env
        if name == "error":
            return self._error()
        return self._scope.names[name]

    def upstream(self, stage_id: str) -> JSON:
        """What a finished stage of this body, or of one around it, gave.

        Null for a skipped stage, `{"error": ...}` for one that failed and let the run go on.
        Raises KeyError when there is none.
        """
        for scope in self._scope.chain():
            instance = scope.done.get(stage_id)
            if instance is not None:
                return self._given_by(instance)
        raise KeyError(stage_id)

    def _given_by(self, instance: Instance) -> JSON:
        if instance.status is StageStatus.COMPLETED:
            return self._load(instance)
        if instance.status is StageStatus.FAILED and instance.error is not None:
            return {"error": instance.error.to_json()}
        return None

    def _context(self) -> Mapping[str, JSON]:
        facts = self._facts
        return {
            "run_id": facts.run_id,
            "pipeline_id": facts.pipeline_id,
            "pipeline_name": facts.pipeline_name,
            "pipeline_version": facts.pipeline_version,
            "stage_id": self._planned.stage.id,
            "attempt": self._attempt,
            "trace_id": facts.trace_id,
            **self._scope.names,
        }

    def _error(self) -> JSON:
        for scope in self._scope.chain():
            if scope.shape.body.error and scope.move is not None:
                return scope.move.error
        raise KeyError("error")


class FrozenNames:
    """Names looked up before: what reads them touches nothing of the run."""

    __slots__ = ("_roots", "_upstream")

    def __init__(self, roots: Mapping[str, JSON], upstream: Mapping[str, JSON]) -> None:
        self._roots = roots
        self._upstream = upstream

    def root(self, name: str) -> JSON:
        """The value of a root. Raises KeyError when it did not exist."""
        return self._roots[name]

    def upstream(self, stage_id: str) -> JSON:
        """The output of a stage. Raises KeyError when there was none."""
        return self._upstream[stage_id]


class MoreNames:
    """Names with some roots added in front."""

    __slots__ = ("_names", "_roots")

    def __init__(self, names: Names, roots: Mapping[str, JSON]) -> None:
        self._names = names
        self._roots = roots

    def root(self, name: str) -> JSON:
        """The value of a root. Raises KeyError when it does not exist here."""
        return self._roots[name] if name in self._roots else self._names.root(name)

    def upstream(self, stage_id: str) -> JSON:
        """As of the names behind."""
        return self._names.upstream(stage_id)
