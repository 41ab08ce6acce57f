"""Events in wire form (contract 03), from what the journal writes or from what was stored.

Both come as the columns of a stage row, JSON columns as text, so live and replayed are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from app.core import clock
from app.core.wire import JSON

NO_USAGE = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, "cost_usd": 0}
#: The events after which a stage run, or the run, tells nothing more.
STAGE_ENDS = ("stage_completed", "stage_failed", "stage_skipped")
#: The events between which a run stands still. One that was paused before its first start has
#: run_started instead of execution_resumed.
RUN_HALTS = ("execution_paused", "execution_resumed", "run_started")
RUN_ENDS = ("run_completed", "run_failed", "run_cancelled")


def event(
    run_id: str,
    seq: int,
    type: str,
    at: str,
    data: Mapping[str, JSON],
    stage: Mapping[str, Any] | None,
    output_limit: int,
) -> dict[str, JSON]:
    """One event, flat; `at` is its time as text, outputs over `output_limit` bytes are left out."""
    head = {"seq": seq, "type": type, "run_id": run_id, "timestamp": at}
    if stage is None:
        return {**head, **data}
    return {**head, **_stage(stage), **_outcome(type, stage, output_limit), **data}


def _stage(stage: Mapping[str, Any]) -> dict[str, JSON]:
    path = stage["iteration_path"]
    indexes = [int(index) for index in path.split(".")] if path else []
    return {
        "stage_id": stage["stage_id"],
        "stage_name": stage["stage_name"],
        "component_type": stage["component_type"],
        "attempt": stage["attempt"],
        "round": stage["round"],
        "iteration": indexes[-1] if indexes else None,
        "iteration_path": indexes,
    }


def _outcome(type: str, stage: Mapping[str, Any], limit: int) -> dict[str, JSON]:
    if type == "stage_completed":
        return {
            "status": "completed",
            "duration_ms": stage["duration_ms"],
            **bounded_output(stage["output"], limit),
            "usage": embedded(stage["usage"]),
            **({"reused": True} if stage.get("reused") else {}),
        }
    if type == "stage_failed":
        return {
            "status": "failed",
            "error": embedded(stage["error"]),
            "duration_ms": stage["duration_ms"],
        }
    if type == "stage_skipped":
        return {"reason": stage["skip_reason"]}
    return {}


def time_text(value: datetime | str) -> str:
    """A time of the database, as either database gives it, in wire form."""
    return value if isinstance(value, str) else clock.text(value)


def embedded(text: str | None) -> JSON:
    """Stored JSON text as a part of an answer, without reading it."""
    return None if text is None else orjson.Fragment(text)


def bounded_output(text: str | None, limit: int) -> dict[str, JSON]:
    """The member `output`, or null and `output_truncated` when it is larger than `limit` bytes."""
    if text is not None and len(text) * 4 > limit and len(text.encode()) > limit:
        return {"output": None, "output_truncated": True}
    return {"output": embedded(text)}


def started(run: Mapping[str, Any], stage_ids: list[str]) -> dict[str, JSON]:
    """What run_started says beyond its head."""
    return {
        "pipeline_id": run["pipeline_id"] or None,
        "pipeline_name": run["pipeline_name"],
        "pipeline_version": run["pipeline_version"] or None,
        "stage_ids": stage_ids,
        "trigger": {"type": run["trigger_type"], "id": run["trigger_id"]},
        "parent_run_id": run["parent_run_id"],
    }


def ended(run: Mapping[str, Any], type: str, output: str | None, limit: int) -> dict[str, JSON]:
    """What the final event says beyond its head, from the columns of the run's row."""
    said: dict[str, JSON] = {"status": run["status"]}
    if type == "run_completed":
        said |= bounded_output(output, limit)
    elif type == "run_failed":
        said["error"] = embedded(run["error"])
        said["failed_stage_id"] = run["error"] and orjson.loads(run["error"]).get("stage_id")
    return {**said, "duration_ms": run["duration_ms"], "usage": embedded(run["usage"]) or NO_USAGE}
