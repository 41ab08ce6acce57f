"""How a value matches a case. What cannot be compared does not match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import re2

from app.core.wire import JSON
from app.engine.expressions import embedded_text, equals

Comparison = Callable[[JSON, JSON], bool]  #: the value, what the case holds


def _case_insensitive(value: JSON, case: JSON) -> bool:
    return embedded_text(value).casefold() == embedded_text(case).casefold()


def _contains(value: JSON, case: JSON) -> bool:
    if type(value) is list:
        return any(equals(item, case) for item in value)
    return type(value) is str and embedded_text(case) in value


def _starts_with(value: JSON, case: JSON) -> bool:
    return type(value) is str and value.startswith(embedded_text(case))


def _in(value: JSON, case: JSON) -> bool:
    return type(case) is list and any(equals(value, item) for item in case)


def _are_ordered(value: JSON, case: JSON) -> bool:
    numbers = all(type(one) in (int, float) for one in (value, case))
    return numbers or (type(value) is str and type(case) is str)


def _greater(value: JSON, case: JSON) -> bool:
    return _are_ordered(value, case) and bool(value > case)


def _less(value: JSON, case: JSON) -> bool:
    return _are_ordered(value, case) and bool(value < case)


def _glob(value: JSON, case: JSON) -> bool:
    return bool(_compiled(embedded_text(case)).fullmatch(embedded_text(value)))


@lru_cache(maxsize=256)
def _compiled(glob: str) -> Any:
    """`*` is any text and `?` any character; re2 matches in linear time whatever is written."""
    marks = {"*": "(?s:.*)", "?": "(?s:.)"}
    pattern = "".join(marks.get(mark) or re2.escape(mark) for mark in glob)
    return re2.compile(pattern)


COMPARISONS: Mapping[str, Comparison] = {
    "equals": equals,
    "case_insensitive": _case_insensitive,
    "contains": _contains,
    "starts_with": _starts_with,
    "greater_than": _greater,
    "less_than": _less,
    "in": _in,
    "glob": _glob,
}
