"""The problems found in a document, put into document order at the end."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.errors import Problem
from app.core.wire import JSON


class Findings:
    """Collects problems; the same one counts once."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}

    def add(self, pointer: str, code: str, message: str) -> None:
        """One thing wrong at `pointer`."""
        self._problems[Problem(pointer, code, message)] = None

    def in_order_of(self, raw: JSON) -> list[Problem]:
        """All problems, as their places follow each other in `raw`; absent members come last."""
        places = _Places(raw)
        return sorted(self._problems, key=lambda problem: places.of(problem.pointer))


def in_document_order(raw: JSON, problems: Iterable[Problem]) -> list[Problem]:
    """The problems as their places follow each other in `raw`, those of absent members last."""
    findings = Findings()
    for problem in problems:
        findings.add(problem.pointer, problem.code, problem.message)
    return findings.in_order_of(raw)


class _Places:
    """Where a pointer lies: the position of each of its steps among its neighbours."""

    def __init__(self, raw: JSON) -> None:
        self._raw = raw
        self._members: dict[int, dict[str, int]] = {}

    def of(self, pointer: str) -> tuple[int, ...]:
        place, here = [], self._raw
        for step in steps(pointer):
            if isinstance(here, dict):
                place.append(self._positions(here).get(step, len(here)))
                here = here.get(step)
            elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
                place.append(int(step))
                here = here[int(step)]
            else:
                here = None
        return tuple(place)

    def _positions(self, members: dict[str, JSON]) -> dict[str, int]:
        known = self._members.get(id(members))
        if known is None:
            known = self._members[id(members)] = {name: i for i, name in enumerate(members)}
        return known


def steps(pointer: str) -> list[str]:
    """The unescaped steps of a JSON pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
