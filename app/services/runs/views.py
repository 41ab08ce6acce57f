"""A run in wire form (contract 03, Run and RunSummary), from its row with JSON columns as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.core.wire import JSON
from app.models import Run
from app.models.base import raw
from app.models.runs import PRIORITIES
from app.services.runs.events import NO_USAGE, embedded, time_text

#: What a summary shows of a run's row.
SUMMARY_COLUMNS = (
    Run.id,
    Run.pipeline_id,
    Run.pipeline_name,
    Run.pipeline_version,
    Run.status,
    Run.trigger_type,
    Run.trigger_id,
    Run.parent_run_id,
    Run.forked_from_run_id,
    Run.forked_from_snapshot_id,
    Run.priority,
    Run.created_by,
    Run.auth_type,
    Run.trace_id,
    Run.created_at,
    Run.started_at,
    Run.completed_at,
    Run.duration_ms,
    *(raw(column) for column in (Run.error, Run.usage, Run.metadata)),
)


def summary(run: Any) -> dict[str, JSON]:
    """A RunSummary."""
    return {**_identity(run), "error": embedded(run.error), **_circumstances(run)}


def whole(
    run: Any, output: str | None, stages: Iterable[Mapping[str, JSON]], truncated: bool
) -> dict[str, JSON]:
    """A Run; `output` is JSON text, `truncated` says that body instances were left out."""
    return {
        **_identity(run),
        "input": embedded(run.input),
        "output": embedded(output),
        "error": embedded(run.error),
        "stages": list(stages),
        "stages_truncated": truncated,
        **_circumstances(run),
        "breakpoints": embedded(run.breakpoints),
    }


def _identity(run: Any) -> dict[str, JSON]:
    return {
        "id": run.id,
        "run_id": run.id,
        # A document that is tested and not saved has neither.
        "pipeline_id": run.pipeline_id or None,
        "pipeline_name": run.pipeline_name,
        "pipeline_version": run.pipeline_version or None,
        "status": run.status,
    }


def _circumstances(run: Any) -> dict[str, JSON]:
    forked = run.forked_from_run_id and {
        "run_id": run.forked_from_run_id,
        "snapshot_id": run.forked_from_snapshot_id,
    }
    return {
        "usage": embedded(run.usage) or NO_USAGE,
        "trigger": {"type": run.trigger_type, "id": run.trigger_id},
        "parent_run_id": run.parent_run_id,
        "forked_from": forked,
        "priority": PRIORITIES[run.priority],
        "created_by": run.created_by,
        "auth_type": run.auth_type,
        "metadata": embedded(run.metadata),
        "trace_id": run.trace_id,
        "created_at": _time(run.created_at),
        "started_at": _time(run.started_at),
        "completed_at": _time(run.completed_at),
        "duration_ms": run.duration_ms,
    }


def _time(moment: Any) -> str | None:
    return None if moment is None else time_text(moment)
