"""What the operators mean: arithmetic on checked numbers, JSON equality, order, membership."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from app.core.wire import JSON, MAX_INTEGER
from app.engine.coercion.scalars import kind_of
from app.engine.expressions.evaluation import Missing, Purse, Refused, State

Operation = Callable[[State, JSON, JSON], JSON]


def number(value: JSON) -> Any:
    """The value, when it is a number; a boolean is none. Raises Refused."""
    if type(value) is int or type(value) is float:
        return value
    raise Refused(f"{kind_of(value)} is not a number")


def checked(value: int | float) -> int | float:
    """A computed number, when JSON and 64 bits can hold it. Raises Refused."""
    if type(value) is float:
        if not math.isfinite(value):
            raise Refused("the result is too large a number")
    elif not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise Refused("the result is an integer outside of 64 bits")
    return value


def add(state: State, left: JSON, right: JSON) -> JSON:
    """Two numbers, two strings or two arrays."""
    kind = type(left)
    if kind is type(right):
        if kind is str:
            state.allow(len(left) + len(right))
            return state.made(left + right)
        if kind is list:
            state.spend(len(left) + len(right))
            return state.gathered(left + right)
    if kind in _NUMBERS and type(right) in _NUMBERS:
        return checked(left + right)
    raise Refused(f"{kind_of(left)} and {kind_of(right)} cannot be added")


def subtract(state: State, left: JSON, right: JSON) -> JSON:
    """The difference of two numbers."""
    return checked(number(left) - number(right))


def multiply(state: State, left: JSON, right: JSON) -> JSON:
    """The product of two numbers."""
    return checked(number(left) * number(right))


def _divisor(value: JSON) -> Any:
    if not number(value):
        raise Refused("it divides by zero")
    return value


def divide(state: State, left: JSON, right: JSON) -> JSON:
    """The quotient, always a float."""
    return checked(number(left) / _divisor(right))


def floor_divide(state: State, left: JSON, right: JSON) -> JSON:
    """The quotient, floored."""
    return checked(number(left) // _divisor(right))


def modulo(state: State, left: JSON, right: JSON) -> JSON:
    """The rest of a floored division: it has the divisor's sign."""
    return checked(number(left) % _divisor(right))


_NUMBERS = frozenset({int, float})


def equal(purse: Purse, left: JSON, right: JSON) -> bool:
    """JSON equality: 1 and 1.0 are equal, 1 and true are not, members have no order."""
    kind = type(left)
    if kind is type(right):
        return _deep_equal(purse, left, right) if kind is list or kind is dict else left == right
    return kind in _NUMBERS and type(right) in _NUMBERS and bool(left == right)


def _deep_equal(purse: Purse, left: JSON, right: JSON) -> bool:
    # A stack of its own: values may nest deeper than Python's.
    stack = [(left, right)]
    while stack:
        one, other = stack.pop()
        if type(one) is list and type(other) is list and len(one) == len(other):
            purse.spend(len(one))
            stack.extend(zip(one, other, strict=True))
        elif type(one) is dict and type(other) is dict and one.keys() == other.keys():
            purse.spend(len(one))
            stack.extend((value, other[name]) for name, value in one.items())
        elif type(one) in (list, dict) or not equal(purse, one, other):
            return False
    return True


def unequal(state: State, left: JSON, right: JSON) -> bool:
    """The opposite of `equal`."""
    return not equal(state, left, right)


def _ordered(left: JSON, right: JSON) -> None:
    same = type(left) is str and type(right) is str
    if not same and not (type(left) in _NUMBERS and type(right) in _NUMBERS):
        raise Refused(f"{kind_of(left)} and {kind_of(right)} have no order")


def less(state: State, left: JSON, right: JSON) -> bool:
    """Two numbers, or two strings by code point."""
    _ordered(left, right)
    return bool(left < right)


def at_most(state: State, left: JSON, right: JSON) -> bool:
    """Less or equal."""
    _ordered(left, right)
    return bool(left <= right)


def greater(state: State, left: JSON, right: JSON) -> bool:
    """Two numbers, or two strings by code point."""
    _ordered(left, right)
    return bool(left > right)


def at_least(state: State, left: JSON, right: JSON) -> bool:
    """Greater or equal."""
    _ordered(left, right)
    return bool(left >= right)


def within(state: State, part: JSON, whole: JSON) -> bool:
    """Element of an array, key of an object, substring of a string."""
    kind = type(whole)
    if kind is dict:
        return type(part) is str and part in whole
    if kind is list:
        return any(_same(state, element, part) for element in whole)
    if kind is str and type(part) is str:
        return part in whole
    raise Refused(f"{kind_of(part)} cannot be looked for in {kind_of(whole)}")


def _same(state: State, element: JSON, wanted: JSON) -> bool:
    state.spend(1)
    return equal(state, element, wanted)


def not_within(state: State, part: JSON, whole: JSON) -> bool:
    """The opposite of `within`."""
    return not within(state, part, whole)


def member(value: JSON, name: str) -> JSON:
    """A member of an object. Raises Missing, also for what is no object."""
    if type(value) is dict:
        try:
            return value[name]
        except KeyError:
            raise Missing(f"there is no {_shown(name)}") from None
    raise Missing(f"{kind_of(value)} has no member {_shown(name)}")


def element(value: JSON, index: JSON) -> JSON:
    """What `value[index]` means. Raises Missing when nothing stands there, Refused when the index
    is of the wrong kind."""
    if type(index) is str:
        return member(value, index)
    if type(index) is not int:
        raise Refused(f"{kind_of(index)} is no index")
    if type(value) is not list and type(value) is not str:
        if type(value) is dict:
            raise Refused("an object has no member with a number for its name")
        raise Missing(f"{kind_of(value)} has no elements")
    if not -len(value) <= index < len(value):
        raise Missing(f"there is no element {index}")
    return value[index]


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:60] + "...")
