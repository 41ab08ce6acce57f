"""How a run ends: which output it has, and whether that fits (contract 03, Run output)."""

from __future__ import annotations

from collections.abc import Callable

from app.core.errors import RunError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coordinator.scope import Scope
from app.engine.instance import Completed, Failed, Instance
from app.engine.planner import Plan
from app.engine.schema import compile_schema


def run_ending(plan: Plan, root: Scope, load: Callable[[Instance], JSON]) -> Completed | Failed:
    """The outcome of a run whose outermost body is over."""
    if root.error is not None:
        return Failed(root.error)
    return _checked(plan, _completed(plan, root, load))


def returned(plan: Plan, stage_id: str, output: JSON) -> Completed | Failed:
    """The outcome of a run that the `return` stage of this output ends."""
    if output["status"] == "failed":
        message = output["message"] or f"Stage {stage_id!r} ended the run."
        return Failed(RunError("CONTROL_FLOW", message, stage_id))
    return _checked(plan, Completed(output["return_value"]))


def _checked(plan: Plan, ending: Completed) -> Completed | Failed:
    errors = _broken_rules(plan, ending.output)
    if not errors:
        return ending
    message = "The output does not match the pipeline's output_schema."
    return Failed(RunError("VALIDATION", message, details={"errors": errors}))


def _completed(plan: Plan, root: Scope, load: Callable[[Instance], JSON]) -> Completed:
    chosen = plan.document.output_stage_id
    candidates = plan.terminal if chosen is None else (chosen,)
    ended = [root.done[stage_id] for stage_id in candidates]
    completed = [one for one in ended if one.status is StageStatus.COMPLETED]
    if not completed:
        return Completed(None)
    if len(completed) == 1:
        return Completed(load(completed[0]), completed[0])
    return Completed({one.key.stage_id: load(one) for one in completed})


def _broken_rules(plan: Plan, output: JSON) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if plan.document.output_schema:
        for broken in compile_schema(plan.document.output_schema).errors(output):
            errors.setdefault(broken.pointer, []).append(broken.message)
    return errors
