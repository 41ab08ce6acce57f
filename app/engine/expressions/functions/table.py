"""The functions of the language (contract 01): each is also a filter on its first argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from app.core.wire import JSON
from app.engine.coercion.scalars import kind_of
from app.engine.expressions.evaluation import Refused, State
from app.engine.expressions.functions import lists, numbers, objects, texts
from app.engine.expressions.operators import within


class Function(NamedTuple):
    """`call` takes the state and between `fewest` and `most` arguments."""

    call: Callable[..., JSON]
    fewest: int = 1
    most: int = 1


def length(state: State, value: JSON) -> int:
    """Characters, elements or keys."""
    if type(value) not in (str, list, dict):
        raise Refused(f"{kind_of(value)} has no length")
    return len(value)


def contains(state: State, whole: JSON, part: JSON) -> bool:
    """`part in whole`."""
    return within(state, part, whole)


def cut(state: State, value: JSON, start: JSON, end: JSON = None) -> JSON:
    """Part of a string or array, with Python's bounds."""
    if any(bound is not None and type(bound) is not int for bound in (start, end)):
        raise Refused("the bounds of slice must be integers")
    if type(value) is str:
        state.allow(len(range(len(value))[start:end]))
        return state.made(value[start:end])
    if type(value) is list:
        state.spend(len(range(len(value))[start:end]))
        return value[start:end]
    raise Refused(f"{kind_of(value)} cannot be sliced")


def backwards(state: State, value: JSON) -> JSON:
    """A string or array from its end to its start."""
    if type(value) is str:
        state.allow(len(value))
        return state.made(value[::-1])
    return lists.counted(state, value)[::-1]


#: These two judge a value that may be missing; the grammar gives them their own meaning.
FORGIVING: dict[str, tuple[int, int]] = {"default": (2, 2), "defined": (1, 1)}

FUNCTIONS: dict[str, Function] = {
    "length": Function(length),
    "len": Function(length),
    "contains": Function(contains, 2, 2),
    "slice": Function(cut, 2, 3),
    "reverse": Function(backwards),
    "upper": Function(texts.upper),
    "lower": Function(texts.lower),
    "title": Function(texts.title),
    "trim": Function(texts.trim),
    "replace": Function(texts.replace, 3, 3),
    "split": Function(texts.split, 2, 2),
    "join": Function(texts.join, 1, 2),
    "startswith": Function(texts.startswith, 2, 2),
    "endswith": Function(texts.endswith, 2, 2),
    "tojson": Function(texts.tojson),
    "fromjson": Function(texts.fromjson),
    "urlencode": Function(texts.urlencode),
    "b64encode": Function(texts.b64encode),
    "b64decode": Function(texts.b64decode),
    "sha256": Function(texts.sha256),
    "string": Function(numbers.string),
    "str": Function(numbers.string),
    "int": Function(numbers.integer),
    "float": Function(numbers.floating),
    "bool": Function(numbers.boolean),
    "abs": Function(numbers.absolute),
    "floor": Function(numbers.floor),
    "ceil": Function(numbers.ceil),
    "round": Function(numbers.rounded, 1, 2),
    "min": Function(lists.least),
    "max": Function(lists.greatest),
    "sum": Function(lists.total),
    "first": Function(lists.first),
    "last": Function(lists.last),
    "sort": Function(lists.ordered, 1, 2),
    "unique": Function(lists.unique),
    "flatten": Function(lists.flatten),
    "range": Function(lists.integers, 1, 2),
    "map": Function(lists.pluck, 2, 2),
    "where": Function(lists.where, 3, 3),
    "any": Function(lists.any_true),
    "all": Function(lists.all_true),
    "keys": Function(objects.keys),
    "values": Function(objects.values),
    "get": Function(objects.get, 2, 3),
    "merge": Function(objects.merge, 2, 2),
}


def arity(name: str) -> tuple[int, int] | None:
    """The fewest and most arguments of a function, None when there is no such function."""
    if name in FORGIVING:
        return FORGIVING[name]
    function: Any = FUNCTIONS.get(name)
    return (function.fewest, function.most) if function else None
