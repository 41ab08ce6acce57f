"""Where two JSON values differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from app.core.wire import JSON, pointer


class Difference(NamedTuple):
    """One place, as a JSON pointer; a value that is absent on one side is null there."""

    path: str
    old: JSON
    new: JSON


def differences(old: JSON, new: JSON, *path: str | int) -> Iterator[Difference]:
    """The innermost places that differ, in the order of `old`. 1 and 1.0 are equal, 1 and true are
    not, members have no order."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            yield from _of_member(
                name in old, name in new, old.get(name), new.get(name), *path, name
            )
    elif isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            one, other = old[place : place + 1], new[place : place + 1]
            yield from _of_member(
                bool(one), bool(other), *(one or [None]), *(other or [None]), *path, place
            )
    elif not _same(old, new):
        yield Difference(pointer(*path), old, new)


def _of_member(
    in_old: bool, in_new: bool, old: JSON, new: JSON, *path: str | int
) -> Iterator[Difference]:
    if in_old and in_new:
        return differences(old, new, *path)
    return iter([Difference(pointer(*path), old, new)])


def _same(old: JSON, new: JSON) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new)


def is_same(old: JSON, new: JSON) -> bool:
    """Whether they are equal as JSON."""
    return next(differences(old, new), None) is None
