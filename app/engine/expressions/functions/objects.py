"""Functions on objects."""

from __future__ import annotations

from app.core.wire import JSON
from app.engine.coercion.scalars import kind_of
from app.engine.expressions.evaluation import Refused, State
from app.engine.expressions.functions.lists import path
from app.engine.paths import follow


def _members(state: State, value: JSON) -> dict[str, JSON]:
    if type(value) is not dict:
        raise Refused(f"{kind_of(value)} is not an object")
    state.spend(len(value))
    return value


def keys(state: State, value: JSON) -> list[JSON]:
    """The names of the members, in document order."""
    return list(_members(state, value))


def values(state: State, value: JSON) -> list[JSON]:
    """The values of the members, in document order."""
    return list(_members(state, value).values())


def get(state: State, value: JSON, where_to: JSON, otherwise: JSON = None) -> JSON:
    """What stands at a dotted path, else `otherwise`."""
    try:
        return follow(value, path(where_to))
    except KeyError:
        return otherwise


def merge(state: State, one: JSON, other: JSON) -> dict[str, JSON]:
    """The members of both; those of `other` win."""
    merged = {**_members(state, one), **_members(state, other)}
    state.gathered(merged)
    return merged
