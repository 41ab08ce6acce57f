"""The stage that somebody means: its name, or what no other one begins with; in loops its place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.cli.debugger.debugged import Debugged
from app.cli.home import Refused
from app.cli.output import one_line

_PLACE = re.compile(r"([^\[\]]+)\[([0-9]{1,9}(?:\.[0-9]{1,9})*)\]\Z")


def find_stage(debugged: Debugged, name: str) -> str:
    """The id of the stage; what no stage begins with, as it is: Studio may know it.

    Raises Refused when several begin with it.
    """
    return find_by_prefix(name, debugged.progress.stages, "stage") or name


def find_by_prefix(name: str, names: Iterable[str], kind: str) -> str | None:
    """The name itself, or the only one that begins with it; None when there is none.

    Raises Refused when several begin with it.
    """
    fitting = [each for each in names if each.startswith(name)]
    if name in fitting:
        return name
    if len(fitting) > 1:
        raise Refused(one_line(f"{name} may be the {kind} {', '.join(fitting[:10])}."))
    return fitting[0] if fitting else None


def read_place(text: str) -> tuple[str, list[int] | None]:
    """A stage with its place in the loops around it: `line[1.4]`; without one None."""
    found = _PLACE.match(text)
    if found is None:
        return text, None
    return found[1], [int(index) for index in found[2].split(".")]
