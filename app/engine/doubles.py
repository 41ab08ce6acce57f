"""Stand-ins: what a run takes over, or is given, instead of executing it (contract 05).

Rule: no I/O of their own; a source is asked only for what comes up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.core.errors import RunError, StageError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.component import Component, Effect
from app.engine.instance import Key
from app.engine.planner import Plan, PlannedStage
from app.engine.schema import compile_schema, output_schema


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stage run of the source, as far as a fork has to know it.

    `id` is what `Source.output` is asked for. `seq` is its place among the final stage runs of the
    source, in the order of their events. `writes` as in `instance.Record`; None for none.
    """

    id: str
    key: Key
    component_type: str
    status: StageStatus
    attempt: int = 0
    failures: int = 0
    skip_reason: str | None = None
    error: RunError | None = None
    usage: Mapping[str, Any] | None = None
    writes: Mapping[tuple[str, bool], JSON] | None = None
    seq: int = 0


class Source(Protocol):
    """The run that is taken over from, up to the snapshot.

    It answers the same however often it is asked, in whichever process.
    """

    def taken(self, key: Key) -> Recorded | None:
        """The stage run when it is final at the snapshot and fit to be taken over: completed,
        skipped, or failed without that this failed the run."""
        ...

    def recorded(self, key: Key) -> Recorded | None:
        """The stage run when it completed, behind the snapshot too: what a dry run gives."""
        ...

    def below(self, key: Key) -> Sequence[Recorded]:
        """What is final inside of an owner that had begun, at any depth, in order of `seq`."""
        ...

    def inputs(self, key: Key) -> JSON:
        """The resolved inputs of an owner that had begun; None when that is not known."""
        ...

    def output(self, id: str) -> str | None:
        """The output of a completed stage run, as JSON text."""
        ...


@dataclass(frozen=True, slots=True)
class Mock:
    """What answers in place of a component, every attempt alike: an error, or else an output.

    `outputs`: one for each iteration (in a repeated body outside of loops: for each round), the
    last one repeating. `places`: what answers at single places instead, by `place_of`.
    """

    output: JSON = None
    outputs: Sequence[JSON] = ()
    error: RunError | None = None
    places: Mapping[str, Mock] = field(default_factory=dict)

    def at(self, key: Key) -> Mock:
        """What answers for this stage run."""
        return self.places.get(place_of(key), self) if self.places else self

    def output_of(self, key: Key) -> JSON:
        """The output for this stage run."""
        if not self.outputs:
            return self.output
        place = key.path[-1] if key.path else key.round
        return self.outputs[min(place, len(self.outputs) - 1)]


def place_of(key: Key) -> str:
    """Where a stage run stands among those of its stage: `0.2/1` is round 1 in iteration 0.2."""
    return f"{'.'.join(map(str, key.path))}/{key.round}"


@dataclass(frozen=True, slots=True)
class Doubles:
    """Everything that is not simply executed.

    `source`: the run that is forked. `reached`: ids of the stages that execute although the source
    finished them; None for none. `outputs`: stage id -> output that is given instead of executing.
    `is_dry`: effectful stages give what the source recorded, or are skipped, unless they are
    `live`. `mocks`: by stage id or component type; not None makes the run a test, in which
    effectful and model stages have a mock or are `live`.
    """

    source: Source | None = None
    reached: frozenset[str] | None = None
    outputs: Mapping[str, JSON] = field(default_factory=dict)
    is_dry: bool = False
    live: frozenset[str] = frozenset()
    mocks: Mapping[str, Mock] | None = None

    def changed(self, plan: Plan) -> frozenset[str]:
        """The stages that are not taken over: reached, given, or around one that is."""
        changed = set(self.reached or ()).union(self.outputs) & plan.stages.keys()
        waiting = list(changed)
        while waiting:
            owner = plan.stages[waiting.pop()].body[0]
            if owner is not None and owner not in changed:
                changed.add(owner)
                waiting.append(owner)
        return frozenset(changed)

    def mock_of(self, planned: PlannedStage) -> Mock | None:
        """What answers in place of this stage's component."""
        mocks, component = self.mocks or {}, planned.component
        mock = mocks.get(planned.stage.id)
        if mock is None and can_be_mocked_by_type(component):
            mock = mocks.get(component.type)
        return mock

    def forbids(self, planned: PlannedStage) -> bool:
        """Whether this stage, which no mock answers for, must not be executed in a test."""
        return needs_mock(planned.component) and planned.stage.id not in self.live


NO_DOUBLES = Doubles()
NOT_MOCKED = "not_mocked"


def misfit(component: Component, output: JSON) -> None:
    """Raises StageError VALIDATION when a run that heeds this output would stumble over it.

    Only where the coordinator reads outputs: gates, variables, what leaves a loop or the run.
    """
    if component.reads_back:
        for wrong in compile_schema(output_schema(component.outputs)).errors(output):
            message = f"This is no output of {component.type}: {wrong.message}"
            raise StageError("VALIDATION", message, details={"pointer": wrong.pointer})


def not_mocked(stage_id: str) -> RunError:
    """What a test fails with that comes to a stage which it must not execute."""
    message = f"Stage {stage_id!r} has no mock and is not live."
    details = {"reason": NOT_MOCKED, "stage_id": stage_id}
    return RunError("EXECUTION", message, stage_id, details=details)


def is_not_mocked(error: RunError | None) -> bool:
    """Whether this failure is of that kind: it ends the run, whatever would absorb it."""
    return error is not None and error.details.get("reason") == NOT_MOCKED


def needs_mock(component: Component) -> bool:
    """Whether a test executes such a stage only when it is `live`: what is effectful, asks a model
    or starts another run, which no mock would reach."""
    return component.effect in (Effect.EFFECTFUL, Effect.MODEL) or component.awaits_child


def can_be_mocked_by_type(component: Component) -> bool:
    """Whether a component type may be a key of mocks: not for owners, gates and return."""
    is_gate = any(declared.stages for declared in component.fields.values())
    return not (component.effect is Effect.OWNER or is_gate or component.run_control)
