"""The functions of lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.engine.reference.language.basics import Lost, at_path, fit, member, need, text
from tests.engine.reference.language.values import is_number, same


def of_list(act: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    """A function of one list."""

    def checked(value: Any) -> Any:
        need(isinstance(value, list))
        return act(value)

    return checked


def join(values: Any, separator: Any = "") -> str:
    need(isinstance(values, list) and isinstance(separator, str))
    return separator.join(map(text, values))


def ordered(values: list[Any]) -> list[Any]:
    numbers = all(map(is_number, values))
    need(numbers or all(isinstance(value, str) for value in values))
    return values


def total(values: list[Any]) -> Any:
    need(all(map(is_number, values)))
    result: Any = 0
    for value in values:
        result = fit(result + value)
    return result


def in_order(values: Any, key: Any = None) -> list[Any]:
    need(isinstance(values, list) and (key is None or isinstance(key, str)))
    if key is None:
        return sorted(ordered(values))
    keys = [member(value, key) for value in values]
    ordered(keys)
    places = sorted(range(len(values)), key=lambda place: keys[place])
    return [values[place] for place in places]


def unique(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(same(value, one) for one in found):
            found.append(value)
    return found


def flatten(values: list[Any]) -> list[Any]:
    return [part for value in values for part in (value if isinstance(value, list) else [value])]


def numbers(first: Any, end: Any = None) -> list[int]:
    need(type(first) is int and (end is None or type(end) is int))
    made = range(first) if end is None else range(first, end)
    need(len(made) <= 10_000)
    return list(made)


def mapped(values: Any, path: Any) -> list[Any]:
    need(isinstance(values, list) and isinstance(path, str))
    return [at_path(value, path) for value in values]


def where(values: Any, path: Any, wanted: Any) -> list[Any]:
    need(isinstance(values, list) and isinstance(path, str))
    return [value for value in values if _is_at(value, path, wanted)]


def _is_at(value: Any, path: Any, wanted: Any) -> bool:
    try:
        return same(at_path(value, path), wanted)
    except Lost:
        return False
