"""Functions on arrays. Each element looked at is a step."""

from __future__ import annotations

from typing import Any

from app.core.wire import JSON
from app.engine.coercion.scalars import kind_of
from app.engine.expressions.evaluation import Missing, Refused, State
from app.engine.expressions.operators import checked, equal, member
from app.engine.paths import follow, parse_path

MAX_RANGE = 10_000


def array(value: JSON) -> list[JSON]:
    """The value, when it is an array. Raises Refused."""
    if type(value) is list:
        return value
    raise Refused(f"{kind_of(value)} is not an array")


def counted(state: State, value: JSON) -> list[JSON]:
    """An array of which every element is about to be looked at. Raises Refused."""
    elements = array(value)
    state.spend(len(elements))
    return elements


def path(value: JSON) -> tuple[str, ...]:
    """The parts of a dotted path. Raises Refused when it is no string."""
    if type(value) is str:
        return parse_path(value)
    raise Refused(f"a path is a string, not {kind_of(value)}")


def _comparable(values: list[JSON]) -> list[Any]:
    """All numbers, or all strings."""
    kinds = set(map(type, values))
    if kinds <= {int, float} or kinds == {str}:
        return values
    raise Refused("only numbers, or only strings, have an order")


def least(state: State, value: JSON) -> JSON:
    """The smallest element, null of an empty array."""
    return min(_comparable(counted(state, value)), default=None)


def greatest(state: State, value: JSON) -> JSON:
    """The largest element, null of an empty array."""
    return max(_comparable(counted(state, value)), default=None)


def total(state: State, value: JSON) -> JSON:
    """The sum of numbers, 0 of an empty array."""
    elements = counted(state, value)
    if not set(map(type, elements)) <= {int, float}:
        raise Refused("only numbers can be summed")
    try:
        return checked(sum(elements))
    except OverflowError:
        raise Refused("the result is too large a number") from None


def first(state: State, value: JSON) -> JSON:
    """The first element, null of an empty array."""
    elements = array(value)
    return elements[0] if elements else None


def last(state: State, value: JSON) -> JSON:
    """The last element, null of an empty array."""
    elements = array(value)
    return elements[-1] if elements else None


def ordered(state: State, value: JSON, key: JSON = None) -> list[JSON]:
    """Sorted upwards, by the member `key` when given; equal elements keep their order."""
    elements = counted(state, value)
    if key is not None and type(key) is not str:
        raise Refused(f"the key of sort is a string, not {kind_of(key)}")
    marks = elements if key is None else [member(element, key) for element in elements]
    if _comparable(marks) and type(marks[0]) is str:
        # Long strings with one beginning cost by their length at each comparison.
        state.spend(sum(map(len, marks)) // 1024)
    places = sorted(range(len(marks)), key=marks.__getitem__)
    return [elements[place] for place in places]


def unique(state: State, value: JSON) -> list[JSON]:
    """Without elements equal to an earlier one."""
    kept: dict[Any, JSON] = {}
    for item in counted(state, value):
        kept.setdefault(_fingerprint(state, item), item)
    return list(kept.values())


def _fingerprint(state: State, value: JSON) -> Any:
    """Something that can be hashed, and is equal for equal JSON only."""
    kind = type(value)
    if kind is bool:
        return (value,)
    if kind is not list and kind is not dict:
        return value
    marks: list[Any] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is list:
            state.spend(len(item))
            marks.append(("array", len(item)))
            stack.extend(item)
        elif type(item) is dict:
            state.spend(len(item))
            names = sorted(item)
            marks.append(("object", *names))
            stack.extend(item[name] for name in names)
        else:
            marks.append(_fingerprint(state, item))
    return tuple(marks)


def flatten(state: State, value: JSON) -> list[JSON]:
    """One level of arrays within the array taken away."""
    flat: list[JSON] = []
    for item in counted(state, value):
        if type(item) is list:
            state.spend(len(item))
            flat.extend(item)
        else:
            flat.append(item)
    return flat


def integers(state: State, start: JSON, end: JSON = None) -> list[JSON]:
    """The integers below `start`, or from `start` to below `end`."""
    low, high = (0, start) if end is None else (start, end)
    if type(low) is not int or type(high) is not int:
        raise Refused("range takes integers")
    if high - low > MAX_RANGE:
        raise Refused(f"range makes at most {MAX_RANGE} elements")
    state.spend(max(high - low, 0))
    return list(range(low, high))


def pluck(state: State, value: JSON, where_to: JSON) -> list[JSON]:
    """What stands at a path in each element. Raises Missing when one has nothing there."""
    parts = path(where_to)
    try:
        return [follow(item, parts) for item in counted(state, value)]
    except KeyError:
        raise Missing("an element has nothing at the path of map") from None


def where(state: State, value: JSON, where_to: JSON, wanted: JSON) -> list[JSON]:
    """The elements that have an equal value at a path."""
    parts = path(where_to)
    return [item for item in counted(state, value) if _has(state, item, parts, wanted)]


def _has(state: State, item: JSON, parts: tuple[str, ...], wanted: JSON) -> bool:
    try:
        return equal(state, follow(item, parts), wanted)
    except KeyError:
        return False


def any_true(state: State, value: JSON) -> bool:
    """Whether one element is true."""
    return any(counted(state, value))


def all_true(state: State, value: JSON) -> bool:
    """Whether all elements are true."""
    return all(counted(state, value))
