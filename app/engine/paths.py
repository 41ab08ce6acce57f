"""Dotted paths into JSON: `a.b.0`, and with brackets `a.b[0]`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.core.wire import JSON

_INDEX = re.compile(r"-?[0-9]{1,18}")
_BRACKETED = re.compile(r"([^\[\]]*)((?:\[-?[0-9]{1,18}\])+)")


def parse_path(text: str, *, brackets: bool = False) -> tuple[str, ...]:
    """The parts of a dotted path. With `brackets`, `a[0]` is the same as `a.0`."""
    parts = text.split(".")
    if not brackets or "[" not in text:
        return tuple(parts)
    return tuple(piece for part in parts for piece in _opened(part))


def _opened(part: str) -> list[str]:
    found = _BRACKETED.fullmatch(part)
    if found is None:
        return [part]
    name, indexes = found.groups()
    return ([name] if name else []) + indexes[1:-1].split("][")


def follow(value: JSON, parts: Sequence[str]) -> JSON:
    """What stands at a path: members of objects, elements of arrays by integer.

    Raises KeyError when nothing stands there.
    """
    for part in parts:
        if type(value) is dict:
            value = value[part]
        elif type(value) is list and _INDEX.fullmatch(part):
            value = _element(value, int(part))
        else:
            raise KeyError(part)
    return value


def _element(array: list[JSON], index: int) -> JSON:
    if not -len(array) <= index < len(array):
        raise KeyError(index)
    return array[index]
