"""Stages of a good document that do nothing for it: what no output needs, what can never run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from app.engine.coercion import CoercionError, coerce
from app.engine.component import Effect, Field, Kind
from app.engine.planner import Plan, PlannedStage
from app.engine.planner.links import links_of

RETURN = "return"

#: Pure, and yet they act: one is heard outside of the run, the other ends it.
_SPEAKING = frozenset({"logger", RETURN})
_CONDITION = Field(Kind.BOOLEAN, default=True)


def unused_stages(plan: Plan) -> Iterator[PlannedStage]:
    """The stages that neither the output stage needs nor anything that acts; none without an
    output stage. What a needed owner runs is needed."""
    output = plan.document.output_stage_id
    if output is None:
        return
    bodies = _bodies(plan)
    used: set[str] = set()
    todo = [output, *(name for name, stage in plan.stages.items() if _acts(stage, bodies))]
    while todo:
        name = todo.pop()
        if name not in used:
            used.add(name)
            owner, _ = plan.stages[name].body
            todo += [*plan.stages[name].needs, *bodies.get(name, ()), *([owner] if owner else ())]
    yield from (stage for name, stage in plan.stages.items() if name not in used)


def _bodies(plan: Plan) -> dict[str, list[str]]:
    """What each owner runs; an owner may run nothing."""
    inside: dict[str, list[str]] = defaultdict(list)
    for body in plan.bodies.values():
        if body.owner is not None:
            inside[body.owner] += body.stages
    return inside


def _acts(stage: PlannedStage, bodies: dict[str, list[str]]) -> bool:
    component = stage.component
    # An owner is as effectful as what it runs; without bodies that lies elsewhere.
    runs_others = component.effect is Effect.OWNER and stage.stage.id not in bodies
    return component.effect is Effect.EFFECTFUL or runs_others or component.type in _SPEAKING


def unreachable_stages(plan: Plan) -> Iterator[PlannedStage]:
    """The stages that can never run, because an unconditional `return` ends the run before.

    A stage behind a `return` that may be skipped can run when something else before it did.
    """
    gated = _gated(plan)
    runs: set[str] = set()  # stages that may run without ending the run
    skips: set[str] = set()
    dead: set[str] = set()
    for name in plan.order:
        stage = plan.stages[name]
        needs, spreading = set(stage.needs), stage.spreading
        reached = needs <= runs | skips and stage.body[0] not in dead
        if not reached or (spreading and not spreading & runs):
            dead.add(name)
            yield stage
        elif not _always_returns(stage):
            runs.add(name)
        optional = stage.stage.when is not None or name in gated
        if reached and (optional or (spreading and spreading <= skips)):
            skips.add(name)


def _gated(plan: Plan) -> set[str]:
    """The stages that a gate may choose or leave out."""
    links = (links_of(stage.stage, stage.component) for stage in plan.stages.values())
    return {named.name for each in links for named in each.gated}


def _always_returns(planned: PlannedStage) -> bool:
    """Whether the stage, once it runs, ends the run whatever its inputs are."""
    stage = planned.stage
    if stage.component_type != RETURN or stage.config.get("condition_expression") is not None:
        return False
    try:
        returns = coerce(_CONDITION, stage.config.get("condition"))
    except CoercionError:  # a template: nobody knows yet
        return False
    # Its return_value may fail, and then the run goes on.
    return bool(returns) and stage.on_error == "fail"
