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

#: A stage with its place in loops, or a word; then the path, behind a dot or a space.
_WORDS = re.compile(r"(?:upstream\.)?([^\s.\[]+(?:\[[0-9.]+\])?)(?:\.|\s+|(?=\[)|\Z)(.*)\Z")


def find_value(debugged: Debugged, text: str) -> JSON:
    """What `text` names, at the snapshot that is looked at. Raises Refused."""
    found = _WORDS.match(text)
    if found is None:
        raise Refused(f"Say it as: {USAGE}")
    name, path = found.groups()
    return _part(_whole(debugged, name, text.startswith("upstream.")), path)


def _whole(debugged: Debugged, name: str, is_stage: bool) -> JSON:
    if is_stage or name not in ("vars", "input", "output"):
        return _stage_output(debugged, name)
    if name == "vars":
        return debugged.snapshot()["variables"]
    if name == "input":
        return debugged.run["input"]
    return debugged.client.get(debugged.path)["output"]


def _part(value: JSON, path: str) -> JSON:
    try:
        return follow(value, read_path(path))
    except BadPath as wrong:
        raise Refused(str(wrong)) from None
    except KeyError:
        raise Refused(one_line(f"There is nothing at {path}.")) from None


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
    if found.get("output_truncated"):
        raise Refused(f"The output of {stage_id} is too large to be shown.")
    return found["output"]
