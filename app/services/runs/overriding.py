"""Stages that differ in a fork: members of the document that are merged over the recorded ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.core import wire
from app.core.errors import InvalidPipeline, Problem, ValidationFailed
from app.core.wire import JSON
from app.engine.planner import Plan
from app.services.runs.forking import Origin
from app.services.runs.variants import Variant, merged, plan_of_run


def overridden(
    origin: Origin, overrides: Mapping[str, Mapping[str, JSON]], told: str, hidden: str = ""
) -> Variant:
    """The document of the run with these members merged into its stages.

    Raises ValidationFailed for an unknown stage, InvalidPipeline when the document is then none;
    pointers lie under `told` where they tell of an overridden stage, without the part `hidden` that
    callers do not write.
    """
    check_known(origin.plan(), overrides, told)
    kept = origin.document
    changed = {
        stage_id: merged(kept.overrides.get(stage_id, {}), canonical(members))
        for stage_id, members in overrides.items()
    }
    variant = replace(kept, overrides={**kept.overrides, **changed})
    try:
        plan_of_run(origin.row.pipeline_version_id, variant.text())
    except InvalidPipeline as refused:
        places = {
            f"{wire.pointer('stages', origin.plan().stages[stage_id].index)}{hidden}": (
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
