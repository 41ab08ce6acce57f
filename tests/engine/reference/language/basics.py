"""What all functions share: how they fail, numbers that fit, members, texts."""

from __future__ import annotations

import json
import math
from typing import Any

from tests.engine.reference.language.values import ANYTHING, known, same


class Broken(Exception):
    """The expression has no value."""


class Lost(Broken):
    """Something is missing: what `default` and `defined` forgive."""


def need(condition: Any) -> None:
    if not condition:
        raise Broken("a value of the wrong kind")


def fit(number: Any) -> Any:
    """A computed number, unless it is too large."""
    need(math.isfinite(number) if type(number) is float else abs(number) < 2**63)
    return number


def text(value: Any) -> str:
    """A value as it stands in a text."""
    known(value)
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)


def to_json(value: Any) -> str:
    return json.dumps(known(value), separators=(",", ":"), ensure_ascii=False)


def contains(whole: Any, part: Any) -> bool:
    """`part in whole`."""
    known(whole), known(part)
    if isinstance(whole, list):
        return any(same(element, part) for element in whole)
    if isinstance(whole, dict):
        return isinstance(part, str) and part in whole
    need(isinstance(whole, str) and isinstance(part, str))
    return part in whole


def member(value: Any, index: Any) -> Any:
    """`value[index]`, and `value.name`."""
    known(index), known(value if value is ANYTHING else None)
    if isinstance(index, str):
        if not isinstance(value, dict) or index not in value:
            raise Lost(index)
        return value[index]
    need(type(index) is int)
    if not isinstance(value, str | list):
        need(not isinstance(value, dict))
        raise Lost(str(index))
    if not -len(value) <= index < len(value):
        raise Lost(str(index))
    return value[index]


def at_path(value: Any, path: Any) -> Any:
    """What stands at a dotted path; integers index arrays."""
    need(isinstance(path, str))
    for part in path.split("."):
        is_index = isinstance(value, list) and part.lstrip("-").isdigit()
        value = member(value, int(part) if is_index else part)
    return value
