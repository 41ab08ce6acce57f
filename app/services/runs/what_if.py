"""What-if: a run again with something changed, executing what that can reach (contract 05)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.core import wire
from app.core.errors import ValidationFailed
from app.core.principal import Principal
from app.core.states import TriggerType
from app.core.wire import JSON
from app.engine.planner import Plan
from app.engine.planner.reach import changed_members, given_variables, reach
from app.services.runs import forking, overriding, start
from app.services.runs.forking import Origin
from app.services.runs.start import Idempotency, Started
from app.services.runs.variants import Variant, plan_of_run


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different. `input` and `vars` are merged over the recorded ones by member;
    `stage_outputs` and `stage_config` are keyed by stage id."""

    input: Mapping[str, JSON] = field(default_factory=dict)
    stage_outputs: Mapping[str, JSON] = field(default_factory=dict)
    stage_config: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    vars: Mapping[str, JSON] = field(default_factory=dict)


def start_what_if(
    who: Principal,
    run_id: str,
    snapshot_id: str,
    changes: Mapping[str, Any],
    *,
    dry_run: bool = True,
    live: Sequence[str] = (),
    trace_id: str | None = None,
    idempotency: Idempotency | None = None,
) -> Started:
    """Starts a run that executes what the changes can reach and takes over the rest.

    `changes` are members of Changes; `dry_run`: no effect leaves the house, except by the stages
    named `live`. Raises NotFound for the run or the snapshot, IllegalMove unless the run is final
    or paused, ValidationFailed for an unknown stage or an output that its stage could not give,
    InvalidPipeline, InvalidInput, IdempotencyMismatch.
    """
    earlier = start.find_earlier(who, idempotency)
    if earlier is not None:
        return earlier
    origin, asked = forking.find_origin(who, run_id, snapshot_id), Changes(**changes)
    variant = _changed(origin, asked, live)
    variant = replace(variant, is_dry=dry_run, live=tuple(live), changes=dict(changes))
    row = _row(who, origin, variant, asked, trace_id)
    return forking.accept(who, row, "run.what_if", idempotency)


def _changed(origin: Origin, changes: Changes, live: Sequence[str]) -> Variant:
    """The document with its config and outputs changed. Raises ValidationFailed."""
    plan = origin.plan()
    _check_live(plan, live)
    overriding.check_outputs(plan, changes.stage_outputs, "/changes/stage_outputs")
    configs = {stage_id: {"config": config} for stage_id, config in changes.stage_config.items()}
    variant = overriding.overridden(
        origin.row.pipeline_version_id, origin.document, configs, "/changes/stage_config", "/config"
    )
    return replace(variant, outputs=dict(changes.stage_outputs))


def _check_live(plan: Plan, live: Sequence[str]) -> None:
    errors = {
        wire.pointer("live", number): [f"{stage_id[:100]!r} is no stage here."]
        for number, stage_id in enumerate(live)
        if stage_id not in plan.stages
    }
    if errors:
        raise ValidationFailed(errors)


def _row(
    who: Principal, origin: Origin, variant: Variant, changes: Changes, trace_id: str | None
) -> dict[str, Any]:
    """The row of a what-if. Raises InvalidInput, ValidationFailed."""
    plan = plan_of_run(origin.row.pipeline_version_id, variant.text())
    input = {**origin.input(), **changes.input}
    variables = {**origin.variables(), **changes.vars}
    given = given_variables(plan, origin.finished(), changes.vars) if changes.vars else {}
    variant = replace(variant, outputs={**given, **variant.outputs})
    document = with_reach(origin, variant, input, variables, changes.stage_config)
    return {
        **forking.fork_row(who, origin, TriggerType.WHAT_IF, document, trace_id),
        "input": forking.checked_input(plan, input),
        "variables": forking.bounded_text(variables, "/changes/vars"),
    }


def with_reach(
    origin: Origin,
    variant: Variant,
    input: Mapping[str, JSON],
    variables: Mapping[str, JSON],
    configs: Collection[str] = (),
) -> Variant:
    """The variant with the stages that execute in a fork which begins so: those that the
    difference to its source can reach. `configs` are the stages with another config."""
    plan = plan_of_run(origin.row.pipeline_version_id, variant.text())
    reached = reach(
        plan,
        origin.finished(),
        input=_different(origin.input(), input),
        variables=_different(origin.variables(), variables),
        outputs=variant.outputs,
        configs=configs,
        before=origin.plan() if configs else None,
    )
    return replace(variant, reached=tuple(name for name in plan.stages if name in reached))


def _different(recorded: Mapping[str, JSON], present: Mapping[str, JSON]) -> frozenset[str]:
    """The members that are new, of another value, or gone."""
    return changed_members(recorded, present) | (recorded.keys() - present.keys())
