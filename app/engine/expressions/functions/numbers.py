"""Functions on numbers, and the conversions of contract 01's coercion table."""

from __future__ import annotations

import math
from collections.abc import Callable

from app.core.wire import JSON
from app.engine.coercion.scalars import (
    CoercionError,
    kind_of,
    to_boolean,
    to_integer,
    to_number,
    to_text,
)
from app.engine.expressions.evaluation import Refused, State
from app.engine.expressions.operators import checked, number

_MOST_DIGITS = 300


def _converted(convert: Callable[[JSON], JSON], value: JSON) -> JSON:
    try:
        return convert(value)
    except CoercionError as refused:
        raise Refused(f"{kind_of(value)} cannot be converted: it {refused.message}") from None


def string(state: State, value: JSON) -> JSON:
    """A string, number or boolean as text."""
    return _converted(to_text, value)


def integer(state: State, value: JSON) -> JSON:
    """An integer of a number without fraction, or of its text."""
    return _converted(to_integer, value)


def floating(state: State, value: JSON) -> JSON:
    """A float of a number or of its text."""
    return float(_converted(to_number, value))


def boolean(state: State, value: JSON) -> JSON:
    """A boolean of a boolean, or of its text."""
    return _converted(to_boolean, value)


def absolute(state: State, value: JSON) -> JSON:
    """The value without its sign."""
    return abs(number(value))


def floor(state: State, value: JSON) -> JSON:
    """The next integer below."""
    return checked(math.floor(number(value)))


def ceil(state: State, value: JSON) -> JSON:
    """The next integer above."""
    return checked(math.ceil(number(value)))


def rounded(state: State, value: JSON, digits: JSON = 0) -> JSON:
    """Rounded to so many decimals, half to even; without decimals an integer."""
    if type(digits) is not int or abs(digits) > _MOST_DIGITS:
        raise Refused(f"round takes from -{_MOST_DIGITS} to {_MOST_DIGITS} digits")
    try:
        return checked(round(number(value), digits) if digits else round(number(value)))
    except OverflowError:
        raise Refused("the result is too large a number") from None
