"""What each type of assertion asks of a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import re2

from app.core.wire import JSON
from app.engine.schema import SchemaError, compile_schema


def same(left: JSON, right: JSON) -> bool:
    """Deep equality as the language's `==` has it: 1 equals 1.0, true equals neither."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def is_number(value: JSON) -> bool:
    """Whether a value is a number of JSON; a boolean is none."""
    return type(value) in (int, float)


class Kind(NamedTuple):
    """Values that something can be asked of: `a number`, and whether a value is one."""

    noun: str
    holds: Callable[[JSON], bool]


def _of(noun: str, *types: type) -> Kind:
    return Kind(noun, lambda value: type(value) in types)


def _is_count(value: JSON) -> bool:
    return type(value) is int and value >= 0


def _compiles(value: JSON) -> bool:
    try:
        return type(value) is str and _pattern(value) is not None
    except re2.error:
        return False


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(text, options)


def schema_refusal(value: JSON) -> str | None:
    """Why a value is no schema; None when it is one."""
    try:
        compile_schema(value)
    except SchemaError as refused:
        return f"At {refused.pointer}: {refused}" if refused.pointer else str(refused)
    return None


#: The names that `type` compares with. A whole number is an integer however it is written.
TYPES: Mapping[str, Callable[[JSON], bool]] = {
    "string": lambda value: type(value) is str,
    "number": is_number,
    "integer": lambda value: (
        type(value) is int or (type(value) is float and math.isfinite(value) and value % 1 == 0)
    ),
    "boolean": lambda value: type(value) is bool,
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "null": lambda value: value is None,
}

ANY = Kind("any value", lambda value: True)
NUMBER = _of("a number", int, float)
TEXT = _of("a string", str)
ARRAY = _of("an array", list)
COUNTABLE = _of("a string, array or object", str, list, dict)
COUNT = Kind("a whole number from 0", _is_count)
PATTERN = Kind("a regular expression of RE2, without look-around and back-references", _compiles)
TYPE_NAME = Kind(f"one of {', '.join(TYPES)}", lambda value: type(value) is str and value in TYPES)
SCHEMA = Kind("a JSON Schema", lambda value: schema_refusal(value) is None)


class Check(NamedTuple):
    """One type: `passes(actual, value, tolerance)` for an actual value of the kind `asked_of`.

    `value` is the kind of what it is compared with, None for the types without one. `says` goes
    before that value in a sentence on what was expected.
    """

    says: str
    passes: Callable[[JSON, JSON, float], bool]
    asked_of: Kind = ANY
    value: Kind | None = ANY


def _contains(actual: JSON, value: JSON, _: float) -> bool:
    if isinstance(actual, list):
        return any(same(item, value) for item in actual)
    return isinstance(value, str) and value in actual


def _lacks(actual: JSON, value: JSON, _: float) -> bool:
    return not _contains(actual, value, _)


#: Every type but `exists` and `notExists`, which ask for the place alone.
CHECKS: Mapping[str, Check] = {
    "equals": Check("to equal", lambda a, v, _: same(a, v)),
    "notEquals": Check("not to equal", lambda a, v, _: not same(a, v)),
    "contains": Check("to contain", _contains, COUNTABLE),
    "notContains": Check("not to contain", _lacks, COUNTABLE),
    "matches": Check("to match", lambda a, v, _: bool(_pattern(v).search(a)), TEXT, PATTERN),
    "type": Check("to be of type", lambda a, v, _: TYPES[v](a), ANY, TYPE_NAME),
    "lessThan": Check("to be less than", lambda a, v, _: a < v, NUMBER, NUMBER),
    "lessOrEqual": Check("to be at most", lambda a, v, _: a <= v, NUMBER, NUMBER),
    "greaterThan": Check("to be greater than", lambda a, v, _: a > v, NUMBER, NUMBER),
    "greaterOrEqual": Check("to be at least", lambda a, v, _: a >= v, NUMBER, NUMBER),
    "closeTo": Check("to be close to", lambda a, v, by: abs(a - v) <= by, NUMBER, NUMBER),
    "lengthEquals": Check("to have the length", lambda a, v, _: len(a) == v, COUNTABLE, COUNT),
    "lengthLessThan": Check("to be shorter than", lambda a, v, _: len(a) < v, COUNTABLE, COUNT),
    "lengthGreaterThan": Check("to be longer than", lambda a, v, _: len(a) > v, COUNTABLE, COUNT),
    "startsWith": Check("to start with", lambda a, v, _: a.startswith(v), TEXT, TEXT),
    "endsWith": Check("to end with", lambda a, v, _: a.endswith(v), TEXT, TEXT),
    "oneOf": Check("to be one of", lambda a, v, _: any(same(a, m) for m in v), ANY, ARRAY),
    "schema": Check(
        "to fit the schema", lambda a, v, _: not compile_schema(v).errors(a), ANY, SCHEMA
    ),
}
