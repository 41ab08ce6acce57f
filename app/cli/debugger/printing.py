"""What `print` finds: the output of a stage, variables, the run's input or output, or a part."""

from __future__ import annotations

import re
from typing import Any

from app.cli.debugger.debugged import Debugged
from app.cli.debugger.stages import find_stage, read_place
from app.cli.home import Refused
from app.cli.output import one_line
from app.cli.runs.telling import told_error
from app.core.wire import JSON
from app.engine.assertions.paths import BadPath, read_path
from app.engine.paths import follow

USAGE = "print STAGE|vars|input|output [PATH]"

#: A word, or a stage with its place in loops; then the path, behind a dot, a space or in brackets.
_WORDS = re.compile(
    r"((?:vars|input|output)(?=[\s.\[]|\Z)|(?:upstream\.)?[^\s.\[]+(?:\[[0-9.]+\])?)"
    r"(?:\.|\s+|(?=\[)|\Z)(.*)\Z"
)


def find_value(debugged: Debugged, text: str) -> JSON:
    """What `text` names, at the snapshot that is looked at. Raises Refused."""
    found = _WORDS.match(text)
    if found is None:
        raise Refused(f"Say it as: {USAGE}")
    name, path = found.groups()
    steps = _steps(path)
    try:
        return follow(_whole(debugged, name, steps), steps)
    except KeyError:
        raise Refused(one_line(f"There is nothing at {path}.")) from None


def _steps(path: str) -> tuple[str, ...]:
    try:
        return read_path(path)
    except BadPath as wrong:
        raise Refused(str(wrong)) from None


def _whole(debugged: Debugged, name: str, steps: tuple[str, ...]) -> JSON:
    """What the path begins in; `steps` are looked at for what an answer had no room for."""
    if name == "vars":
        return _variables(debugged.snapshot(), steps)
    if name == "input":
        return debugged.run["input"]
    if name == "output":
        return debugged.client.get(debugged.path)["output"]
    return _stage_output(debugged, name.removeprefix("upstream."))


def _variables(snapshot: dict[str, Any], steps: tuple[str, ...]) -> JSON:
    if steps and steps[0] in snapshot.get("variables_truncated", ()):
        raise Refused(
            one_line(f"The variable {steps[0]} is too large to be shown with the others.")
        )
    return snapshot["variables"]


def _stage_output(debugged: Debugged, text: str) -> JSON:
    name, indexes = read_place(text)
    stage_id = find_stage(debugged, name)
    if debugged.looked_at is not None and indexes is None:
        return _output_then(debugged.looked_at, stage_id)
    return _output_now(debugged, stage_id, indexes)


def _output_then(snapshot: dict[str, Any], stage_id: str) -> JSON:
    if stage_id in snapshot.get("outputs_truncated", ()):
        raise Refused(f"The output of {stage_id} is too large to be shown with the others.")
    try:
        return snapshot["accumulated_outputs"][stage_id]
    except KeyError:
        raise Refused(one_line(f"Stage {stage_id} has no output at this snapshot.")) from None


def _output_now(debugged: Debugged, stage_id: str, indexes: list[int] | None) -> JSON:
    """Of several instances that of the last one to start."""
    found = None
    for stage in debugged.client.pages(f"{debugged.path}/stages", {"stage_id": stage_id}):
        if indexes in (None, stage["iteration_path"]):
            found = stage
    if found is None or found["status"] == "pending":
        raise Refused(one_line(f"Stage {stage_id} has not started, or there is none."))
    if found["error"]:
        raise Refused(one_line(f"Stage {stage_id} failed: {told_error(found['error'])}"))
    if found["status"] != "completed":
        raise Refused(one_line(f"Stage {stage_id} is {found['status']}: it has no output."))
    if found.get("output_truncated"):
        raise Refused(f"The output of {stage_id} is too large to be shown.")
    return found["output"]
