"""One child run, as its parent finds it, and what its end means for the stage (contract 02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core import wire
from app.core.errors import RunError, StageError
from app.core.states import RunStatus
from app.core.wire import JSON
from app.engine.instance import Cancelled, ChildCall, Completed, Failed, Finished, Outcome
from app.models import Run, StageRun
from app.models.base import raw
from app.models.journal_sql import Version
from app.services.runs.claim import Lease

MAX_DEPTH = 10  #: child runs below each other


@dataclass(frozen=True, slots=True)
class Ended:
    """A final child run, as far as its parent sees it."""

    id: str
    pipeline_id: str
    status: RunStatus
    output: JSON = None
    error: RunError | None = None
    duration_ms: int | None = None


def ended(lease: Lease, outcome: Outcome) -> Ended | None:
    """A child that was executed here, when this is its end."""
    run_id, pipeline_id = lease.run_id, lease.row["pipeline_id"]
    took = lease.now() - lease.started_at
    match outcome:
        case Completed(output):
            return Ended(run_id, pipeline_id, RunStatus.COMPLETED, output, None, took)
        case Failed(error):
            return Ended(run_id, pipeline_id, RunStatus.FAILED, None, error, took)
        case Cancelled():
            return Ended(run_id, pipeline_id, RunStatus.CANCELLED, None, None, took)
        case _:
            return None


def find(run_id: str) -> Any:
    """`id`, `status`, `pipeline_id` and `created_at` of a run, or None."""
    query: Any = Run.select(Run.id, Run.status, Run.pipeline_id, Run.created_at)
    return query.where(Run.id == run_id).namedtuples().first()


def check_ancestors(parent: Mapping[str, Any], version: Version) -> None:
    """Raises StageError CONTROL_FLOW for a pipeline that waits for itself, or too deep a nest."""
    above, depth = parent, 1
    while True:
        if above["pipeline_id"] == version.pipeline_id:
            message = f"The pipeline {version.pipeline_name!r} is running above this one."
            raise StageError("CONTROL_FLOW", message)
        if depth > MAX_DEPTH:
            raise StageError("CONTROL_FLOW", f"Pipelines nest deeper than {MAX_DEPTH}.")
        if above["parent_run_id"] is None:
            return
        query: Any = Run.select(Run.pipeline_id, Run.parent_run_id)
        above, depth = query.where(Run.id == above["parent_run_id"]).dicts().get(), depth + 1


def read_ended(run_id: str) -> Ended:
    """A run that is final."""
    query: Any = Run.select(
        Run.id,
        Run.pipeline_id,
        Run.status,
        Run.output_stage_run_id,
        raw(Run.output),
        Run.error,
        Run.duration_ms,
    )
    run = query.where(Run.id == run_id).namedtuples().get()
    text = run.output
    if run.output_stage_run_id is not None:
        stored: Any = StageRun.select(raw(StageRun.output))
        text = stored.where(StageRun.id == run.output_stage_run_id).tuples().get()[0]
    return Ended(
        run.id,
        run.pipeline_id,
        RunStatus(run.status),
        None if text is None else wire.read(text),
        RunError.from_json(run.error) if run.error else None,
        run.duration_ms,
    )


def not_awaited(call: ChildCall, run_id: str, pipeline_id: str) -> Finished:
    """The answer for a child that goes its own way."""
    output = _output(Ended(run_id, pipeline_id, RunStatus.PENDING), None)
    return Finished(call.key, call.attempt, output)


def _output(child: Ended, result: JSON) -> dict[str, JSON]:
    return {
        "pipeline_id": child.pipeline_id,
        "run_id": child.id,
        "status": child.status.value,
        "result": result,
        "execution_time_ms": child.duration_ms,
        "error": child.error and child.error.to_json(),
    }


def answer(call: ChildCall, child: Ended) -> Finished:
    """What the end of a child means for its stage."""
    if child.status is RunStatus.COMPLETED:
        return Finished(call.key, call.attempt, _output(child, child.output))
    if call.inputs.on_error == "continue":
        return Finished(call.key, call.attempt, _output(child, call.inputs.default_result))
    cause = child.error
    message = f"The child run failed: {cause.message}" if cause else "The child run was cancelled."
    details = {"child_run_id": child.id, "cause": cause and cause.to_json()}
    error = StageError("EXECUTION", message, details=details)
    return Finished(call.key, call.attempt, error=error)
