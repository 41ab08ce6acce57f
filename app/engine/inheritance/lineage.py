"""The documents that one extends: its parent, the parent's parent, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import Problem
from app.engine.inheritance.members import well_formed
from app.engine.inheritance.source import Found, Source

#: How many documents may stand above one.
MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Lineage:
    """A document, its parent and so on up to the base, and why it ends before it got there.

    `complete`: it got there. An `extends` that is no reference ends it without a problem of its
    own: the problem is that member's.
    """

    sources: tuple[Source, ...]
    problem: Found | None
    complete: bool


def lineage_of(child: Source) -> Lineage:
    """Follows `extends` from `child` on."""
    line = [child]
    while (reference := well_formed(line[-1], "extends")) is not None:
        if len(line) > MAX_DEPTH:
            return _broken(line, child, "inheritance-depth", _too_deep(line))
        parent = line[-1].find(reference)
        if parent is None:
            message = f"There is no pipeline {reference!r}."
            return _broken(line, line[-1], "unknown-parent", message)
        again = next((source for source in line if source.place == parent.place), None)
        if again is not None:
            return _broken(line, again, "inheritance-cycle", _cycle(line, again))
        line.append(parent)
    return Lineage(tuple(line), None, complete=line[-1].member("extends") is None)


def _broken(line: Sequence[Source], where: Source, code: str, message: str) -> Lineage:
    return Lineage(tuple(line), Found(where, Problem("/extends", code, message)), complete=False)


def _too_deep(line: Sequence[Source]) -> str:
    return f"At most {MAX_DEPTH} documents may stand above one: {_path(line)} -> ..."


def _cycle(line: Sequence[Source], again: Source) -> str:
    return _path([*line[line.index(again) :], again])


def _path(sources: Sequence[Source]) -> str:
    return " -> ".join(source.name for source in sources)
