"""How the expected events of a run are written down, and whether a run's events are as written.

Each line tells one stage event, `ran` two that follow each other at once:

    start charge                 stage_started
    done charge                  stage_completed
    fail charge                  stage_failed
    fail charge: continued       stage_failed, and the run goes on
    skip refund: branch          stage_skipped, and why
    ran charge                   start charge, done charge

Behind the stage stand its iterations, its round and its attempt, where they are not the first:
`start send[2.0] r1 x2` is the second attempt in round 1, in iteration 0 of iteration 2.

An array in place of a line holds what goes on at once: sequences, each in its own order, that may
interleave in any way. The run's first and last events are not written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Line = str | Sequence[Sequence[Any]]

_LINE = re.compile(
    r"(?P<verb>start|done|fail|skip|ran) [A-Za-z_][\w-]*(\[\d+(\.\d+)*\])?( r\d+)?( x\d+)?(: \w+)?"
)
_VERBS = {
    "stage_started": "start",
    "stage_completed": "done",
    "stage_failed": "fail",
    "stage_skipped": "skip",
}


def line_of(event: Mapping[str, Any]) -> str:
    """The line that tells a stage event."""
    why = event.get("reason") or ("continued" if event.get("continued") else None)
    place = place_of(event)
    attempt = f" x{event['attempt']}" if event["attempt"] > 1 else ""
    return f"{_VERBS[event['type']]} {place}{attempt}{f': {why}' if why else ''}"


def place_of(stage_run: Mapping[str, Any]) -> str:
    """Which stage, iteration and round an event or a stage run is of."""
    path = ".".join(map(str, stage_run["iteration_path"]))
    round = f" r{stage_run['round']}" if stage_run["round"] else ""
    return f"{stage_run['stage_id']}{f'[{path}]' if path else ''}{round}"


def difference(expected: Sequence[Line], told: Sequence[str]) -> str | None:
    """What is wrong with the lines told, or None when they are as expected."""
    script = _Sequence(expected)
    for number, line in enumerate(told):
        if not script.take(line):
            wanted = " | ".join(script.wanted()) or "nothing more"
            return f"event {number}: expected {wanted}\n" + _shown(told, number)
    missing = " | ".join(script.wanted())
    return f"after all events: expected {missing}\n" + _shown(told) if missing else None


def _shown(told: Sequence[str], marked: int = -1) -> str:
    return "\n".join(f"{'>' if n == marked else ' '} {line}" for n, line in enumerate(told))


class _Sequence:
    """Lines in order; takes one told line after the other."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._steps = [step for line in lines for step in _steps(line)]

    def wanted(self) -> list[str]:
        """The lines that may come next."""
        while self._steps and isinstance(self._steps[0], list):
            if found := [line for branch in self._steps[0] for line in branch.wanted()]:
                return found
            self._steps.pop(0)
        return [self._steps[0]] if self._steps else []

    def take(self, line: str) -> bool:
        """Whether the line may come next; then it has."""
        if line not in self.wanted():
            return False
        if isinstance(self._steps[0], list):
            return any(branch.take(line) for branch in self._steps[0])
        self._steps.pop(0)
        return True


def _steps(line: Line) -> Iterator[Any]:
    if not isinstance(line, str):
        yield [_Sequence(lines) for lines in line]
        return
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"{line!r} tells no event")
    if found["verb"] == "ran":
        yield "start" + line[3:]
        yield "done" + line[3:]
    else:
        yield line
