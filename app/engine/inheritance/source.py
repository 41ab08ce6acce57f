"""One document in file form, and what is wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.errors import Problem
from app.core.wire import JSON


@dataclass(frozen=True, slots=True)
class Source:
    """A document as its author wrote it.

    `place` says to a person where it is written, and is another for each document. `find` gives
    the source of a parent by `name` or `name@version`, or None when there is none.
    """

    place: str
    raw: JSON
    find: Callable[[str], Source | None] = field(compare=False)

    @property
    def name(self) -> str:
        """The pipeline's name; the place of one that has none."""
        name = self.raw.get("name") if isinstance(self.raw, dict) else None
        return name if isinstance(name, str) else self.place

    def member(self, name: str, default: JSON = None) -> JSON:
        """A member of the document; `default` when it is absent, or the document is no object."""
        return self.raw.get(name, default) if isinstance(self.raw, dict) else default


@dataclass(frozen=True, slots=True)
class Found:
    """A problem, and the source that its pointer points into."""

    source: Source
    problem: Problem
