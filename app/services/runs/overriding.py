"""Stages that differ in one run: members of the document that are merged over the saved ones, and
outputs that are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.core import wire
from app.core.errors import InvalidPipeline, Problem, ValidationFailed
from app.core.wire import JSON
from app.engine.planner import Plan
from app.engine.schema import compile_schema, output_schema
from app.services.runs.variants import Variant, merged, plan_of_run


def overridden(
    version_id: str,
    held: Variant,
    overrides: Mapping[str, Mapping[str, JSON]],
    told: str,
    hidden: str = "",
) -> Variant:
    """The variant of this version with these members merged into its stages.

    Raises ValidationFailed for an unknown stage, InvalidPipeline when the document is then none;
    pointers lie under `told` where they tell of an overridden stage, without the part `hidden` that
    callers do not write.
    """
    plan = plan_of_run(version_id, held.text())
    check_known(plan, overrides, told)
    changed = {
        stage_id: merged(held.overrides.get(stage_id, {}), canonical(members))
        for stage_id, members in overrides.items()
    }
    variant = replace(held, overrides={**held.overrides, **changed})
    try:
        plan_of_run(version_id, variant.text())
    except InvalidPipeline as refused:
        places = {
            f"{wire.pointer('stages', plan.stages[stage_id].index)}{hidden}": (
                f"{told}{wire.pointer(stage_id)}"
            )
            for stage_id in overrides
        }
        raise InvalidPipeline([_moved(problem, places) for problem in refused.problems]) from None
    return variant


def check_known(plan: Plan, stage_ids: Mapping[str, Any], told: str) -> None:
    """Raises ValidationFailed for those that the plan does not have."""
    check_stages(stage_ids, told, lambda stage_id: stage_id not in plan.stages, "is no stage here")


def check_stages(
    stage_ids: Mapping[str, Any], told: str, is_wrong: Callable[[str], bool], why: str
) -> None:
    """Raises ValidationFailed, each at its pointer below `told`, for those that are wrong."""
    errors = {
        f"{told}{wire.pointer(stage_id)}": [f"{stage_id[:100]!r} {why}."]
        for stage_id in stage_ids
        if is_wrong(stage_id)
    }
    if errors:
        raise ValidationFailed(errors)


def check_outputs(plan: Plan, outputs: Mapping[str, JSON], told: str) -> None:
    """Raises ValidationFailed for an unknown stage; and for an output that its stage could not
    give, where the rest of the run is steered by it: of gates, variables and the like."""
    check_known(plan, outputs, told)
    errors: dict[str, list[str]] = {}
    for stage_id, output in outputs.items():
        component = plan.stages[stage_id].component
        if not component.reads_back:
            continue
        for pointer, sentence, _ in compile_schema(output_schema(component.outputs)).errors(output):
            place = f"{told}{wire.pointer(stage_id)}"
            errors.setdefault(f"{place}{pointer}", []).append(sentence)
    if errors:
        raise ValidationFailed(errors)


def canonical(members: Mapping[str, JSON]) -> dict[str, JSON]:
    """Members of a stage with the aliases resolved that a merge would not see."""
    given = members.get("retry")
    if not isinstance(given, dict):
        return dict(members)
    retry = dict(given)
    times = retry.pop("max_retries", None)
    if times is not None:
        retry.setdefault("max_attempts", times + 1 if type(times) is int else times)
    if "backoff_multiplier" in retry:
        retry.setdefault("multiplier", retry.pop("backoff_multiplier"))
    return {**members, "retry": retry}


def _moved(problem: Problem, places: Mapping[str, str]) -> Problem:
    """The problem, where it lies in what was asked for, if it lies there."""
    for inner, place in places.items():
        if problem.pointer == inner or problem.pointer.startswith(f"{inner}/"):
            return replace(problem, pointer=place + problem.pointer[len(inner) :])
    return problem
