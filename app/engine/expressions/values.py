"""What the language does with values, for components that do the same without an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.expressions.evaluation import MAX_STEPS, Refused, State
from app.engine.expressions.operators import equal

T = TypeVar("T")


class _NoNames:
    def root(self, name: str) -> JSON:
        raise KeyError(name)

    def upstream(self, stage_id: str) -> JSON:
        raise KeyError(stage_id)


def _bounded(act: Callable[[State], T]) -> T:
    try:
        return act(State(_NoNames(), MAX_STEPS))
    except Refused as refused:
        raise StageError("EXPRESSION", f"This cannot be evaluated: {refused}.") from None


def equals(left: JSON, right: JSON) -> bool:
    """The language's `==`. Raises StageError for values of too many elements."""
    return _bounded(lambda state: equal(state, left, right))


def embedded_text(value: JSON) -> str:
    """A value as it stands in a text. Raises StageError for one of too many bytes."""
    return _bounded(lambda state: state.text(value))
