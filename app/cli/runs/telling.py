"""Events as lines for a person, one each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.cli.output import one_line


def line(event: dict[str, Any]) -> str | None:
    """The line of an event; None for those that say little."""
    words = _words(event)
    return words and one_line(f"  {event['seq']:>3}  {words}")


def _words(event: dict[str, Any]) -> str | None:
    stage = stage_of(event)
    match event["type"]:
        case "run_started":
            return f"{event['pipeline_name']} {event['pipeline_version'] or 'unsaved'} started"
        case "stage_started":
            return f"{stage} started{_again(event)}"
        case "stage_completed":
            return f"{stage} completed in {event['duration_ms']} ms"
        case "stage_skipped":
            return f"{stage} skipped: {event['reason']}"
        case "stage_failed":
            return f"{stage} failed: {told_error(event['error'])}"
        case "execution_paused":
            return f"paused: {event['reason']}"
        case "execution_resumed":
            return f"resumed: {event['reason']}"
        case "run_completed" | "run_failed" | "run_cancelled":
            return f"{event['status']} in {event['duration_ms']} ms"
    return None


def stage_of(event: dict[str, Any]) -> str:
    """The stage of an event with its place in the loops around it: `count[3]`, `cell[1.4]`."""
    return event.get("stage_id", "") + place(event.get("iteration_path") or ())


def place(path: Iterable[int]) -> str:
    """Indexes from the outermost loop inwards, `[1.4]`; nothing outside of loops."""
    indexes = ".".join(map(str, path))
    return f"[{indexes}]" if indexes else ""


def _again(event: dict[str, Any]) -> str:
    return f", attempt {event['attempt']}" if event["attempt"] > 1 else ""


def told_error(error: dict[str, Any] | None) -> str:
    """A RunError in a sentence."""
    return f"{error['type']}: {error['message']}" if error else "for an unknown reason"
