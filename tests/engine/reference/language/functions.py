"""The table of functions of contract 01, each read off its line."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.engine.reference.language import lists
from tests.engine.reference.language.basics import Lost, at_path, contains, fit, need, to_json
from tests.engine.reference.language.conversions import (
    decoded,
    from_json,
    to_bool,
    to_float,
    to_int,
    to_text,
)
from tests.engine.reference.language.values import is_number


def length(value: Any) -> int:
    need(isinstance(value, str | list | dict))
    return len(value)


def of_text(act: Callable[..., Any]) -> Callable[..., Any]:
    """A function of texts only."""

    def checked(*arguments: Any) -> Any:
        need(all(isinstance(argument, str) for argument in arguments))
        return act(*arguments)

    return checked


def split(value: str, separator: str) -> list[str]:
    need(separator)
    return value.split(separator)


def part_of(value: Any, first: Any, end: Any = None) -> Any:
    need(isinstance(value, str | list))
    need(all(bound is None or type(bound) is int for bound in (first, end)))
    return value[first:end]


def rounded(value: Any, digits: Any = 0) -> Any:
    need(is_number(value) and type(digits) is int)
    if digits == 0:
        return fit(round(value))
    return fit(round(value, digits))  # half to even, of the number as it is stored


def whole(act: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        need(is_number(value))
        return fit(act(value))

    return checked


def get(value: Any, path: Any, default: Any = None) -> Any:
    try:
        return at_path(value, path)
    except Lost:
        return default


def merge(one: Any, other: Any) -> Any:
    need(isinstance(one, dict) and isinstance(other, dict))
    return {**one, **other}


def of_object(act: Callable[[dict[str, Any]], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        need(isinstance(value, dict))
        return act(value)

    return checked


def reverse(value: Any) -> Any:
    need(isinstance(value, str | list))
    return value[::-1]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "length": length,
    "len": length,
    "upper": of_text(str.upper),
    "lower": of_text(str.lower),
    "title": of_text(str.title),
    "string": to_text,
    "str": to_text,
    "int": to_int,
    "float": to_float,
    "bool": to_bool,
    "trim": of_text(str.strip),
    "replace": of_text(lambda value, old, new: value.replace(old, new)),
    "split": of_text(split),
    "join": lists.join,
    "startswith": of_text(str.startswith),
    "endswith": of_text(str.endswith),
    "contains": contains,
    "slice": part_of,
    "abs": whole(abs),
    "floor": whole(math.floor),
    "ceil": whole(math.ceil),
    "round": rounded,
    "min": lists.of_list(lambda values: min(lists.ordered(values)) if values else None),
    "max": lists.of_list(lambda values: max(lists.ordered(values)) if values else None),
    "sum": lists.of_list(lists.total),
    "first": lists.of_list(lambda values: values[0] if values else None),
    "last": lists.of_list(lambda values: values[-1] if values else None),
    "sort": lists.in_order,
    "reverse": reverse,
    "unique": lists.of_list(lists.unique),
    "flatten": lists.of_list(lists.flatten),
    "range": lists.numbers,
    "keys": of_object(list),
    "values": of_object(lambda value: list(value.values())),
    "get": get,
    "merge": merge,
    "map": lists.mapped,
    "where": lists.where,
    "any": lists.of_list(any),
    "all": lists.of_list(all),
    "tojson": to_json,
    "fromjson": from_json,
    "urlencode": of_text(lambda value: quote(value, safe="")),
    "b64encode": of_text(lambda value: base64.b64encode(value.encode()).decode()),
    "b64decode": of_text(decoded),
    "sha256": of_text(lambda value: hashlib.sha256(value.encode()).hexdigest()),
}
