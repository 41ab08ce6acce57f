"""The words of `break`: `STAGE [if CONDITION]`, `error [STAGE]`."""

from __future__ import annotations

from typing import Any

from app.cli.debugger.debugged import Debugged
from app.cli.debugger.stages import find_stage
from app.cli.home import Refused

USAGE = "break [STAGE [if CONDITION] | error [STAGE]]"


def read_breakpoint(debugged: Debugged, text: str) -> dict[str, Any]:
    """The fields of set-breakpoint that `text` means. Raises Refused."""
    place, _, condition = text.partition(" if ")
    names = place.split()
    on_error = names[0] == "error"
    if on_error:
        del names[0]
    if len(names) > 1 or (text + " ").startswith("if "):
        raise Refused(f"Say it as: {USAGE}")
    return {
        "stage_id": find_stage(debugged, names[0]) if names else None,
        "condition": condition.strip() or None,
        "on_error": on_error,
    }
