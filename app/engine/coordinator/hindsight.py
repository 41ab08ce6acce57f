"""What a run looked like behind one of its stage runs, from what it stored; nothing is executed."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.core.errors import StageError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.control import Pause
from app.engine.coordinator.coordinator import Coordinator
from app.engine.coordinator.facts import Outputs, RunFacts
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.scope import BodyShape, Scope
from app.engine.coordinator.sealing import Seal
from app.engine.coordinator.writes import Writes, merge, with_writes
from app.engine.doubles import NO_DOUBLES, Doubles
from app.engine.instance import UNLOADED, Instance, Key
from app.engine.planner import ROOT, Plan, PlannedStage


@dataclass(frozen=True, slots=True)
class Moment:
    """The state behind a stage run that ended, or at the start.

    `openings`: what was final by then (stage id -> stage run, in the order of their ends) in the
    body of that stage, in those around it, and last outside of all bodies. `variables`: what a
    next stage of its body would see. `input` gives its config with the values that its templates
    had; None when it had none.
    """

    openings: tuple[Mapping[str, Instance], ...]
    variables: Mapping[str, JSON]
    input: Callable[[Outputs], JSON]


def outside_bodies(
    plan: Plan, facts: RunFacts, ended: Sequence[Instance], writes: Mapping[str, Writes]
) -> Moment:
    """The moment behind the last of `ended`, the stage runs outside of bodies in the order of their
    ends; at the start when there is none. `writes` are what these stages wrote, by their ids."""
    scope = Scope(BodyShape(plan, plan.bodies[ROOT]), facts.variables)
    scope.done.update((instance.key.stage_id, instance) for instance in ended)
    scope.written.update(writes)
    target = ended[-1] if ended else None
    resolve = partial(_input, plan, facts, scope, target)
    return Moment((scope.done,), _variables(scope, scope.written), resolve)


def in_a_body(
    plan: Plan,
    facts: RunFacts,
    outputs: Outputs,
    ended: Sequence[Instance],
    begun: Sequence[Instance],
    pauses: Sequence[Pause] = (),
    doubles: Doubles = NO_DOUBLES,
) -> Moment | None:
    """The moment behind the last of `ended`, all stage runs in the order of their ends; `begun` had
    begun by then, `pauses` were over. None when no owner opened the body, as in one that was taken
    over."""
    target = ended[-1]
    assert target.completed_at is not None
    at = target.completed_at
    run = _Rewound.rebuild(plan, facts, outputs, _no_id, ended, begun, at, pauses, doubles=doubles)
    assert isinstance(run, _Rewound)
    scope = run.scopes.get(target.id)
    if scope is None:
        return None
    # What followed by itself from the last end came later.
    ids = {instance.id for instance in ended}
    known = tuple(_only(around.done, ids) for around in scope.chain())
    left = {id for id, one in scope.done.items() if one.status is StageStatus.CANCELLED}
    written = {id: own for id, own in scope.written.items() if id in known[0] or id in left}
    resolve = partial(_input, plan, facts, scope, target)
    return Moment(known, _variables(scope, written), resolve)


def in_a_copy(
    plan: Plan, outside: Moment, ended: Sequence[Instance], later: Iterable[Instance]
) -> Moment:
    """The moment behind the last of `ended` in an owner that was taken over from another run.

    No owner opened its body here, so it is told by names: the stage runs of the same iteration and
    round, and of those around it, whose owners are the next of `later` to end. `outside` is the
    state outside of bodies at that moment. The variables are those outside and what these stages
    wrote themselves.
    """
    (stage_id, path, round), later = ended[-1].key, list(later)
    openings, body = [], plan.bodies[plan.stages[stage_id].body]
    while body.owner is not None:
        key = (path, round)
        openings.append(
            {
                one.key.stage_id: one
                for one in ended
                if one.key.stage_id in body.stages and one.key[1:] == key
            }
        )
        path = path[:-1] if body.loop else path
        owners = (one.key for one in later if one.key[:2] == (body.owner, path))
        round = next(owners, Key(body.owner, path, 0)).round
        body = plan.bodies[plan.stages[body.owner].body]
    writes = merge(_own_writes(plan, opening) for opening in reversed(openings))
    return Moment(
        (*openings, outside.openings[-1]), with_writes(outside.variables, writes), _no_input
    )


def _own_writes(plan: Plan, opening: Mapping[str, Instance]) -> Writes:
    completed = (one for one in opening.values() if one.status is StageStatus.COMPLETED)
    return merge(Coordinator._written(plan.stages[one.key.stage_id], one) for one in completed)


def _no_input(outputs: Outputs) -> JSON:
    return None


def _only(done: Mapping[str, Instance], ids: Container[str]) -> dict[str, Instance]:
    return {stage_id: instance for stage_id, instance in done.items() if instance.id in ids}


def _variables(scope: Scope, written: Mapping[str, Writes]) -> dict[str, JSON]:
    parts = (written.get(stage_id, {}) for stage_id in scope.shape.body.stages)
    return with_writes(scope.variables, merge(parts))


def _input(
    plan: Plan, facts: RunFacts, scope: Scope, instance: Instance | None, outputs: Outputs
) -> JSON:
    """The resolved config of a stage run. None for one that was skipped or refused its config, and
    for one that stands for another run's."""
    if instance is None or instance.input is not None:
        return instance and instance.input
    if instance.status is StageStatus.SKIPPED or instance.reused:
        return None
    planned = plan.stages[instance.key.stage_id]
    names = StageNames(facts, partial(_load, outputs), planned, scope, instance.attempt)
    try:
        values = planned.config.resolve(names)
        Seal(facts).check_inputs(values)
    except StageError:
        return None
    return values


def _load(outputs: Outputs, instance: Instance) -> JSON:
    if instance.output is UNLOADED:
        instance.output = outputs.load(instance.id)
    return instance.output


def _no_id() -> str:
    return ""  # what begins in hindsight is never stored


class _Rewound(Coordinator):
    """Notes in which opening each stage run ended."""

    def __init__(self, *facts: Any) -> None:
        self.scopes: dict[str, Scope] = {}
        super().__init__(*facts)

    def _finish(self, planned: PlannedStage, scope: Scope, instance: Instance) -> None:
        self.scopes[instance.id] = scope
        super()._finish(planned, scope, instance)

    def _complete(
        self,
        planned: PlannedStage,
        scope: Scope,
        instance: Instance,
        output: JSON | Callable[[], JSON],
    ) -> None:
        # An owner that ended later: its output would be made for nothing.
        if self._stored_end(instance) is not None:
            super()._complete(planned, scope, instance, output)
