"""Where two JSON values differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from app.core.wire import JSON, pointer

_ABSENT = object()


class Difference(NamedTuple):
    """One place, as a JSON pointer; a value that is absent on one side is null there."""

    path: str
    old: JSON
    new: JSON


def differences(old: JSON, new: JSON, *path: str | int) -> Iterator[Difference]:
    """The innermost places that differ, in the order of `old`. 1 and 1.0 are equal, 1 and true are
    not, members have no order."""
    inside = _inside(old, new)
    if inside is not None:
        for step, one, other in inside:
            yield from differences(one, other, *path, step)
    elif not _same(old, new):
        sides = (None if value is _ABSENT else value for value in (old, new))
        yield Difference(pointer(*path), *sides)


def _inside(old: JSON, new: JSON) -> Iterator[tuple[str | int, JSON, JSON]] | None:
    """What two objects, or two arrays, hold at the same place; None for anything else."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = {**old, **new}
        return ((name, old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in names)
    if isinstance(old, list) and isinstance(new, list):
        both = zip_longest(old, new, fillvalue=_ABSENT)
        return ((place, one, other) for place, (one, other) in enumerate(both))
    return None


def _same(old: JSON, new: JSON) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new)


def is_same(old: JSON, new: JSON) -> bool:
    """Whether they are equal as JSON."""
    return next(differences(old, new), None) is None
