"""Where in a JSON text something stands: a JSON pointer to a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property

from app.core import wire

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]|[^\s\[\]{},":]+')


class Lines:
    """The lines of a text that is JSON."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _offsets(self) -> dict[str, int]:
        return dict(_places(self._text))

    def of(self, pointer: str) -> int:
        """The line of what a pointer names, or of the nearest thing around it that is there."""
        while pointer and pointer not in self._offsets:
            pointer = pointer.rpartition("/")[0]
        return _line(self._text, self._offsets.get(pointer, 0))


def line_of_duplicate(text: str) -> int | None:
    """The line of the first member that stands a second time in its object, if one does."""
    seen = set()
    for pointer, offset in _places(text):
        if pointer in seen:
            return _line(text, offset)
        seen.add(pointer)
    return None


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _places(text: str) -> Iterator[tuple[str, int]]:
    """Pointer and offset of every member, at its name, and of every element."""
    walk = _Walk()
    for token in _TOKEN.finditer(text):
        pointer = walk.take(token[0])
        if pointer is not None:
            yield pointer, token.start()


class _Walk:
    """Goes through the tokens of a JSON text without reading its values.

    `around` are the pointers of the objects and arrays that are open, `counts` how many elements
    each has so far, None for an object. `here` is the place of the value that comes next or was
    just read; None where a member's name, or a further element, must come first.
    """

    def __init__(self) -> None:
        self._around: list[str] = []
        self._counts: list[int | None] = []
        self._here: str | None = ""

    def take(self, word: str) -> str | None:
        """Goes over one token; the pointer of the member or element that begins with it."""
        if word in "]}":
            self._around.pop()
            self._counts.pop()
            return None
        if word == ",":
            self._here = None
            return None
        begins = self._begin(word)
        if word in "[{" and self._here is not None:
            self._around.append(self._here)
            self._counts.append(0 if word == "[" else None)
            self._here = None
        return begins

    def _begin(self, word: str) -> str | None:
        if self._here is not None or not self._around:
            return None
        count = self._counts[-1]
        if count is None:
            step: str | int = json.loads(word)
        else:
            step, self._counts[-1] = count, count + 1
        self._here = self._around[-1] + wire.pointer(step)
        return self._here
