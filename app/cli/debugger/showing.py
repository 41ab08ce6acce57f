"""What the debugger shows, in lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from app.cli.debugger.debugged import Debugged, Snapshot
from app.cli.output import columns, duration, one_line, pretty
from app.cli.runs.live import COLOURS, details
from app.cli.runs.progress import StageProgress
from app.cli.runs.telling import place, stage_of, told_error
from app.core import clock
from app.core.wire import JSON, dumps

Breakpoint = dict[str, Any]

#: A value of so many characters stands in one line.
_SHORT = 100


def listing(debugged: Debugged) -> Iterator[Text]:
    """A line for each stage: `>` is where the run stands, `*` a breakpoint, `!` one on error."""
    stages = list(debugged.progress.stages.values())
    now = clock.now_ms() / 1000
    lines = columns([_row(debugged, stage, now) for stage in stages] if stages else [])
    for stage, line in zip(stages, lines, strict=True):
        yield Text(one_line(line), style=COLOURS[stage.state])


def _row(debugged: Debugged, stage: StageProgress, now: float) -> tuple[str, ...]:
    took = stage.milliseconds(now)
    return (
        _marks(debugged, stage.stage_id),
        "  " * stage.depth + stage.stage_id,
        stage.state,
        "" if took is None else duration(took),
        "; ".join(details(stage)),
    )


def _marks(debugged: Debugged, stage_id: str) -> str:
    pause = debugged.pause
    kinds = {b["on_error"] for b in debugged.breakpoints if b["stage_id"] == stage_id}
    here = ">" if pause is not None and pause["stage_id"] == stage_id else " "
    return here + ("*" if False in kinds else " ") + ("!" if True in kinds else " ")


def standing(debugged: Debugged) -> str:
    """Where the run stands, in a few words: `paused before line[1]`."""
    pause = debugged.pause
    if pause is None:
        return debugged.progress.state
    if pause["stage_id"] is None:
        return "paused"
    preposition = "at the error of" if pause["reason"] == "error" else "before"
    return f"paused {preposition} {stage_of(pause)}"


def why(debugged: Debugged) -> Iterator[str]:
    """Where the run stands and why, as a sentence."""
    words = f"The run is {standing(debugged)}"
    event = debugged.pause or debugged.end
    if event is not None and event["type"] == "run_failed":
        at = f" at {event['failed_stage_id']}" if event.get("failed_stage_id") else ""
        words = f"The run failed{at}: {told_error(event['error'])}"
    elif event is not None and event.get("error"):
        words += f": {told_error(event['error'])}"
    elif event is not None and event["type"] == "execution_paused":
        words += f": {event['reason']}"
    yield one_line(words)


def breakpoint_lines(breakpoints: list[Breakpoint]) -> Iterator[str]:
    """Breakpoints in the words that set them."""
    for each in breakpoints:
        kind = "break error" if each["on_error"] else "break"
        condition = f"if {each['condition']}" if each["condition"] else None
        yield one_line(" ".join(filter(None, [kind, each["stage_id"], condition])))
    if not breakpoints:
        yield "There is no breakpoint."


def snapshot_lines(snapshot: Snapshot, value_lines: int | None = None) -> Iterator[str]:
    """What a snapshot recorded: of a stage its input and output, and the variables after it.

    `value_lines`: of each value so many lines at most.
    """
    yield one_line(_head(snapshot))
    if snapshot["stage_id"] is None:
        yield from _labelled("input", snapshot["input"], value_lines)
        return
    for name in ("input", "output"):
        if snapshot.get(f"stage_{name}_truncated"):
            yield f"{name}: too large to be shown"
        else:
            yield from _labelled(name, snapshot[f"stage_{name}"], value_lines)
    if snapshot["error"]:
        yield one_line(f"error: {told_error(snapshot['error'])}")
    if snapshot["variables"]:
        yield from _labelled("vars", snapshot["variables"], value_lines)
    if left_out := snapshot.get("variables_truncated"):
        yield one_line(f"too large to be shown: {', '.join(left_out)}")


def _head(snapshot: Snapshot) -> str:
    number = f"snapshot {snapshot['seq']}: "
    if snapshot["stage_id"] is None:
        return f"{number}the start"
    again = f", round {snapshot['round'] + 1}" if snapshot["round"] else ""
    took = snapshot["duration_ms"]
    spent = "" if took is None else f" in {duration(took)}"
    stage = snapshot["stage_id"] + place(snapshot["iteration_path"])
    return f"{number}{stage}{again} {snapshot['status']}{spent}"


def _labelled(name: str, value: JSON, at_most: int | None) -> Iterator[str]:
    """A value behind its name: in the same line when it is short, else below it."""
    short = f"{name}: {dumps(value)}"
    if len(short) <= _SHORT:
        yield one_line(short)
        return
    lines = list(json_lines(value))
    yield f"{name}:"
    yield from ("  " + line for line in lines[:at_most])
    if at_most is not None and len(lines) > at_most:
        yield f"  ... and {len(lines) - at_most} lines more; info and print show all"


def json_lines(value: JSON) -> Iterator[str]:
    """A value as JSON, one member a line."""
    # Not splitlines: strings of JSON may hold what Unicode takes for a line's end.
    return map(one_line, pretty(value).removesuffix("\n").split("\n"))
