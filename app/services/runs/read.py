"""Runs as callers see them (contract 03, Shapes), read through their organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import config
from app.core import clock, wire
from app.core.errors import NotFound
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.core.wire import JSON
from app.engine.planner import Plan
from app.models import Run, RunEvent, StageRun
from app.models.base import raw
from app.services.pages import Page
from app.services.runs import events, stages, views
from app.services.runs.events import embedded
from app.services.runs.stage_listing import stage_page
from app.services.runs.variants import plan_of_run


def fresh_view(row: Mapping[str, Any], plan: Plan) -> dict[str, JSON]:
    """A run that was accepted this moment, from the row just written: nothing is read."""
    return views.whole(_Fresh(row), None, stages.unstarted(plan), False)


class _Fresh:
    """A just accepted row, with null where the table has its defaults."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return self._row.get(name)


def accepted_view(
    who: Principal, run_id: str, breakpoints: Sequence[Mapping[str, JSON]] = ()
) -> dict[str, JSON]:
    """A run as it was when it was accepted with these breakpoints, for a repeated request."""
    run = get_row(who, run_id)
    row = {name: getattr(run, name) for name in _ACCEPTED} | {
        "status": RunStatus.PENDING.value,
        "breakpoints": wire.dumps(list(breakpoints)),
    }
    return fresh_view(row, _plan(run))


def get_run(who: Principal, run_id: str) -> dict[str, JSON]:
    """A run with its stages; body instances and outputs are bounded (contract 03, Size of answers).

    Raises NotFound.
    """
    run = get_row(who, run_id)
    plan = _plan(run)
    shown, truncated = stages.bounded(run.id, plan, RunStatus(run.status))
    return views.whole(run, output_text(run), shown, truncated)


def get_status(who: Principal, run_id: str) -> dict[str, JSON]:
    """RunStatus of contract 03. Raises NotFound."""
    run = get_row(who, run_id)
    outside, running = stages.standing(run.id, _plan(run), RunStatus(run.status))
    return {
        "run_id": run.id,
        "status": run.status,
        "progress": {"completed": sum(map(is_final, outside.values())), "total": len(outside)},
        "current_stage_ids": running,
        "paused_before": run.paused_before if run.status == RunStatus.PAUSED else None,
        "error": embedded(run.error),
    }


def list_stages(
    who: Principal, run_id: str, page: Page, stage_id: str | None = None, status: str | None = None
) -> dict[str, JSON]:
    """One page of all stage runs, in the order of a run's, of one stage or status when given.

    Raises NotFound, BadCursor.
    """
    run = _found(
        Run.of(who.org_id, Run.id, Run.status, Run.pipeline_version_id, raw(Run.document)), run_id
    )
    return stage_page(run, _plan(run), stage_id, status, page)


def get_result(who: Principal, run_id: str) -> dict[str, JSON]:
    """Where a run stands and, once it is final, what came of it. Raises NotFound."""
    run = get_row(who, run_id)
    return {
        "run_id": run.id,
        "pipeline_id": run.pipeline_id or None,
        "pipeline_name": run.pipeline_name,
        "pipeline_version": run.pipeline_version or None,
        "status": run.status,
        "result": embedded(output_text(run)),
        "error": embedded(run.error),
    }


def list_events(who: Principal, run_id: str, after_seq: int, limit: int) -> dict[str, JSON]:
    """One page of stored events, oldest first; `next` is the last seq, or null when caught up.

    Raises NotFound.
    """
    head = get_head(who, run_id)
    items = events_since(who, run_id, after_seq, limit)
    last = items[-1]["seq"] if items else head["last_seq"]
    return {"items": items, "next": last if last < head["last_seq"] else None}


def events_since(
    who: Principal, run_id: str, after_seq: int, limit: int = 500
) -> list[dict[str, JSON]]:
    """At most `limit` stored events with a higher seq, in order. Raises NotFound."""
    run = get_row(who, run_id)
    size = config.settings().event_output_bytes
    rows: Any = (
        RunEvent.select(
            RunEvent.seq,
            RunEvent.type,
            RunEvent.data,
            RunEvent.at,
            StageRun.stage_id,
            StageRun.stage_name,
            StageRun.component_type,
            StageRun.attempt,
            StageRun.round,
            StageRun.iteration_path,
            StageRun.skip_reason,
            StageRun.duration_ms,
            StageRun.reused,
            *(raw(column) for column in (StageRun.error, StageRun.usage)),
            raw(StageRun.output),
        )
        .left_outer_join(StageRun, on=(RunEvent.stage_run_id == StageRun.id))
        .where(RunEvent.run == run_id, RunEvent.seq > after_seq)
        .order_by(RunEvent.seq)
        .limit(limit)
        .dicts()
    )
    found = list(rows)
    if found and found[-1]["type"] in events.RUN_ENDS and run.completed_at is None:
        run = get_row(who, run_id)  # it ended between the two reads
    return [_event(run, row, size) for row in found]


def _event(run: Any, row: dict[str, Any], size: int) -> dict[str, JSON]:
    type, stage, data = row["type"], None, row["data"]
    if row["stage_id"] is not None:
        # The row has moved on; a start tells its own attempt, the first when it tells none.
        stage = {**row, "attempt": data.get("attempt", 1)} if type == "stage_started" else row
    elif type == "run_started":
        facts = {name: getattr(run, name) for name in _ACCEPTED}
        data = events.started(facts, list(_plan(run).stages))
    elif type in events.RUN_ENDS:
        ended = {name: getattr(run, name) for name in ("status", "error", "duration_ms", "usage")}
        data = {**data, **events.ended(ended, type, output_text(run), size)}
    return events.event(run.id, row["seq"], type, clock.text(row["at"]), data, stage, size)


def get_head(who: Principal, run_id: str) -> dict[str, JSON]:
    """`status` and `last_seq`, the newest stored event's. Raises NotFound."""
    run = _found(Run.of(who.org_id, Run.status, Run.event_seq), run_id)
    return {"status": run.status, "last_seq": run.event_seq}


def heads(run_ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """`event_seq` and status of runs that somebody was already allowed to watch."""
    rows: Any = Run.select(Run.id, Run.event_seq, Run.status).where(Run.id.in_(list(run_ids)))
    return {run_id: (seq, status) for run_id, seq, status in rows.tuples()}


_ACCEPTED = (
    "id",
    "created_at",
    "pipeline_id",
    "pipeline_name",
    "pipeline_version",
    "status",
    "input",
    "priority",
    "trigger_type",
    "trigger_id",
    "parent_run_id",
    "forked_from_run_id",
    "forked_from_snapshot_id",
    "created_by",
    "auth_type",
    "metadata",
    "trace_id",
)
_RAW = ("input", "output", "error", "usage", "metadata", "breakpoints", "document")


def get_row(who: Principal, run_id: str) -> Any:
    """The run's row with its JSON columns as text. Raises NotFound."""
    columns = [
        raw(column) if column.name in _RAW else column
        for column in Run._meta.sorted_fields
        if column.name not in ("variables", "output_config")
    ]
    return _found(Run.of(who.org_id, *columns), run_id)


def _found(query: Any, run_id: str) -> Any:
    run = query.where(Run.id == run_id).namedtuples().first() if is_id(run_id, "run") else None
    if run is None:
        raise NotFound
    return run


def _plan(run: Any) -> Plan:
    return plan_of_run(run.pipeline_version_id, run.document)


def output_text(run: Any) -> str | None:
    """The output of a run's row, as JSON text."""
    if run.output_stage_run_id is None:
        return cast("str | None", run.output)
    query: Any = StageRun.select(raw(StageRun.output)).where(StageRun.id == run.output_stage_run_id)
    return cast("str | None", next(iter(query.tuples()))[0])
