"""Replay: a run again from one of its snapshots on (contract 05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core import wire
from app.core.principal import Principal
from app.core.states import TriggerType
from app.core.wire import JSON
from app.engine.instance import Key
from app.engine.planner import Plan
from app.services.runs import forking, overriding, start
from app.services.runs.breakpoints import read_breakpoints
from app.services.runs.forking import Origin
from app.services.runs.source import Source
from app.services.runs.start import Idempotency, Started

_TOLD = "/stage_overrides"


def start_replay(
    who: Principal,
    run_id: str,
    snapshot_id: str,
    *,
    input: Mapping[str, JSON] | None = None,
    stage_overrides: Mapping[str, Mapping[str, JSON]] | None = None,
    breakpoints: Sequence[str | Mapping[str, JSON]] = (),
    trace_id: str | None = None,
    idempotency: Idempotency | None = None,
) -> Started:
    """Starts a run of the same document that takes over what was finished at the snapshot.

    `input` replaces that of the run for what executes; `stage_overrides` are merged into stages
    that will; `breakpoints` as of any run. Raises NotFound for the run or the snapshot, IllegalMove
    unless the run is final or paused, ValidationFailed for an override of a stage that is unknown
    or taken over and for breakpoints, InvalidPipeline, InvalidInput, IdempotencyMismatch.
    """
    earlier = start.find_earlier(who, idempotency)
    if earlier is not None:
        return earlier
    origin = forking.find_origin(who, run_id, snapshot_id)
    variant = overriding.overridden(
        origin.row.pipeline_version_id, origin.document, stage_overrides or {}, _TOLD
    )
    _check_executed(origin, stage_overrides or {})
    row = forking.fork_row(who, origin, TriggerType.REPLAY, variant, trace_id)
    row["breakpoints"] = wire.dumps(read_breakpoints(breakpoints, origin.plan()))
    if input is not None:
        row["input"] = forking.checked_input(origin.plan(), input)
    return forking.accept(who, row, "run.replay", idempotency)


def _check_executed(origin: Origin, overrides: Mapping[str, Any]) -> None:
    if overrides:
        plan, source = origin.plan(), origin.source()
        overriding.check_stages(
            overrides,
            _TOLD,
            lambda stage_id: is_reused(plan, source, stage_id),
            "was finished at this snapshot and is taken over",
        )


def is_reused(plan: Plan, source: Source, stage_id: str) -> bool:
    """Whether no stage run of this stage will execute in a replay.

    Behind a body that may open again nothing is certain: later iterations and rounds execute.
    """
    for place in _outside_in(plan, stage_id):
        if source.taken(Key(place, (), 0)) is not None:
            return True
        planned = plan.stages[place]
        body = plan.bodies[planned.body]
        if body.loop or body.repeatable or planned.stage.retry.max_attempts > 1:
            return False
    return False


def _outside_in(plan: Plan, stage_id: str) -> list[str]:
    """The owners around a stage, the outermost first, and the stage itself."""
    chain: list[str] = []
    here: str | None = stage_id
    while here is not None:
        chain.append(here)
        here = plan.stages[here].body[0]
    return chain[::-1]
