"""Strings, numbers and booleans made of each other, by contract 01's coercion table."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import orjson

from app.core.wire import JSON, MAX_INTEGER

_DIGITS = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400  # characters; 1e308 written out has 309 digits
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}


class CoercionError(ValueError):
    """The value has no form of the wanted kind; `path` leads to the part that is wrong."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def kind_of(value: JSON) -> str:
    """The JSON kind of a value with its article, for sentences."""
    return _KINDS.get(type(value), "no JSON value")


_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def _checked(number: int) -> int:
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise CoercionError("must be an integer of 64 bits")
    return number


def to_integer(value: JSON) -> int:
    """An integer of an integer, a number without fraction or the text of one.

    Raises CoercionError for anything else.
    """
    kind = type(value)
    if kind is int:
        return _checked(value)
    if kind is float and value.is_integer():
        return _checked(int(value))
    if kind is str and len(value) <= _LONGEST_NUMBER:
        if _DIGITS.fullmatch(value):
            return _checked(int(value))
        if _NUMBER.fullmatch(value):
            return _whole(Decimal(value))
    raise CoercionError("must be an integer")


def _whole(number: Decimal) -> int:
    # The size is looked at first: 1e999999999 as an integer would fill the memory.
    if number and number.adjusted() > 18:
        raise CoercionError("must be an integer of 64 bits")
    if number != number.to_integral_value():
        raise CoercionError("must be an integer")
    return _checked(int(number))


def to_number(value: JSON) -> int | float:
    """A number of a number or of a text in JSON number syntax. Raises CoercionError."""
    kind = type(value)
    if kind is int:
        return _checked(value)
    if kind is float and math.isfinite(value):
        return float(value)
    if kind is str and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
        number = _checked(int(value)) if _DIGITS.fullmatch(value) else float(value)
        if math.isfinite(number):
            return number
    raise CoercionError("must be a number")


def to_boolean(value: JSON) -> bool:
    """A boolean of a boolean or of true, yes, 1, on, false, no, 0, off in any case.

    Raises CoercionError for anything else.
    """
    if type(value) is bool:
        return value
    found = _BOOLEANS.get(value.lower()) if type(value) is str else None
    if found is None:
        raise CoercionError("must be a boolean")
    return found


def to_text(value: JSON) -> str:
    """A string as it is, a number or boolean as JSON text. Raises CoercionError."""
    if type(value) is str:
        return value
    if type(value) in (bool, int, float):
        return orjson.dumps(value).decode()
    raise CoercionError("must be a string")
