"""JSON values, and two that stand for what the contract or time leaves open."""

from __future__ import annotations

from typing import Any


class Undetermined(Exception):
    """The contract alone does not say what happens here."""


class _Mark:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __deepcopy__(self, memo: Any) -> _Mark:
        return self


ANYTHING = _Mark("ANYTHING")  #: a value that the contract does not fix: a message, a time, an id
UNSURE = _Mark("UNSURE")  #: what a variable holds, or not, when time decides who wrote it


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def settled(value: Any) -> Any:
    """The value, unless time decides about a part of it."""
    if value is UNSURE:
        raise Undetermined("a variable that may have been written")
    for part in value.values() if isinstance(value, dict) else value if type(value) is list else ():
        settled(part)
    return value


def known(value: Any) -> Any:
    """The value, when all of it is fixed."""
    if value is ANYTHING or value is UNSURE:
        raise Undetermined("a value that the contract leaves open")
    for part in value.values() if isinstance(value, dict) else value if type(value) is list else ():
        known(part)
    return value


def same(one: Any, other: Any) -> bool:
    """JSON equality: 1 == 1.0, 1 != true."""
    known(one), known(other)
    if is_number(one) and is_number(other):
        return bool(one == other)
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return set(one) == set(other) and all(same(one[name], other[name]) for name in one)
    return bool(one == other)


def matches(real: Any, claimed: Any) -> bool:
    """Whether a real value is what was claimed, member for member and type for type.

    Members that are null or open may be left out.
    """
    if claimed is ANYTHING:
        return True
    if type(real) is not type(claimed):
        return False
    if isinstance(claimed, list):
        return len(real) == len(claimed) and all(map(matches, real, claimed))
    if isinstance(claimed, dict):
        absent = [name for name in claimed if name not in real]
        may_be_absent = all(claimed[name] in (None, ANYTHING) for name in absent)
        return may_be_absent and all(k in claimed and matches(real[k], claimed[k]) for k in real)
    return bool(real == claimed)
