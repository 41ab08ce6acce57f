"""What a change of a run can touch: the stages that a what-if executes (contract 05)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from app.core import wire
from app.core.wire import JSON
from app.engine.planner.influence import Influence
from app.engine.planner.plan import Plan, PlannedStage


def reach(
    plan: Plan,
    finished: Collection[str],
    *,
    input: Collection[str] = (),
    variables: Collection[str] = (),
    outputs: Collection[str] = (),
    configs: Collection[str] = (),
    before: Plan | None = None,
) -> frozenset[str]:
    """The ids of the stages that execute; all others are taken over, wherever they finished.

    `finished` are the stages that the source run has something to take over of. `input` and
    `variables` are the changed members of the two, `outputs` the stages whose output is given:
    they are not executed, what depends on them is. `configs` are the stages with another config;
    `before` is the plan without these, for what depended on them until now.

    A stage of a body is not reached by its owner alone: whether the owner's inputs differ, so that
    all of its bodies execute, is known when it has resolved them.
    """
    influence = Influence(plan)
    nodes = [*configs, *_readers(plan, input, variables)]
    nodes += _moved(plan, before) if before else ()
    start = influence.mask(nodes, with_inputs=True) | influence.mask(outputs)
    sources = influence.sources
    if before is not None:
        sources = [now | then for now, then in zip(sources, Influence(before).sources, strict=True)]
    touched = influence.names(_spread(influence.order(), sources, start))
    return frozenset([*touched, *_unfinished(plan, finished)]).difference(outputs)


def changed_members(recorded: Mapping[str, JSON], merged: Mapping[str, JSON]) -> frozenset[str]:
    """The members that are new or another value, as JSON text: 1 and 1.0 are two values."""
    return frozenset(
        name
        for name, value in merged.items()
        if name not in recorded or wire.dumps(recorded[name]) != wire.dumps(value)
    )


def given_variables(
    plan: Plan, finished: Collection[str], values: Mapping[str, JSON]
) -> dict[str, dict[str, JSON]]:
    """Outputs with which the setters that had finished hand on changed variables.

    A run begins with the changed values; without this what had overwritten them before the
    snapshot would do so again. A setter that reads the variable itself executes instead, and so do
    those of an owner that is not finished.
    """
    given: dict[str, dict[str, JSON]] = {}
    for id, stage in plan.stages.items():
        name = stage.sets
        if name in values and name is not None and _is_settled(plan, finished, stage):
            value = values[name]
            given[id] = {"name": name, "value": value, "previous_value": value, "was_set": True}
    return given


def _is_settled(plan: Plan, finished: Collection[str], setter: PlannedStage) -> bool:
    id = setter.stage.id
    ended = all(here in finished for here in (id, *_owners(plan, id)))
    return ended and not _reads_itself(setter)


def _reads_itself(stage: PlannedStage) -> bool:
    found = stage.config.references
    if stage.when is not None:
        found |= stage.when.references
    return found.whole_variables or stage.sets in found.variables


def _readers(plan: Plan, input: Collection[str], variables: Collection[str]) -> Iterator[str]:
    for id, stage in plan.stages.items():
        reads = stage.reads
        if _looks_at(reads.input, input) or _looks_at(reads.variables, variables):
            yield id


def _looks_at(members: frozenset[str] | None, changed: Collection[str]) -> bool:
    return bool(changed) and (members is None or not members.isdisjoint(changed))


def _moved(plan: Plan, before: Plan) -> Iterator[str]:
    """Stages that lie in another body, or below one that does."""
    for id in plan.stages:
        now, then = _bodies_around(plan, id), _bodies_around(before, id)
        if list(now) != list(then):
            yield id


def _bodies_around(plan: Plan, id: str) -> Iterator[tuple[str | None, str]]:
    here: str | None = id
    while here is not None:
        body = plan.stages[here].body
        yield body
        here = body[0]


def _owners(plan: Plan, id: str) -> Iterator[str]:
    return (owner for owner, _ in _bodies_around(plan, id) if owner is not None)


def _unfinished(plan: Plan, finished: Collection[str]) -> Iterator[str]:
    """Stages of which nothing can be taken over; what depends on them is not finished either.

    Not those in a finished owner, which its run did not come to.
    """
    for id in plan.stages:
        if id not in finished and not any(owner in finished for owner in _owners(plan, id)):
            yield id


def _spread(order: list[int], sources: list[int], start: int) -> int:
    """The nodes of `start` and all that these influence, directly or through others.

    In the order of a run nearly all is found at once; what goes from one pass of a body to the next
    takes another turn.
    """
    touched, before = start, 0
    while touched != before:
        before = touched
        for node in order:
            if sources[node] & touched:
                touched |= 1 << node
    return touched
