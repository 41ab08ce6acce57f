"""Expressions that a component evaluates itself: its fields of kind EXPRESSION."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.component import Component, Kind
from app.engine.coordinator.names import FrozenNames, MoreNames, StageNames
from app.engine.expressions import (
    NOTHING,
    Expression,
    ExpressionSyntaxError,
    Names,
    Purse,
    References,
    compile_expression,
)
from app.engine.planner.links import PLACED_ROOTS

MAX_STEPS_TOGETHER = 10_000_000  #: a few seconds, in which the coordinator does nothing else


class Evaluator:
    """Evaluates the expressions of one attempt. Raises StageError EXPRESSION."""

    def __init__(self, names: Names, purse: Purse | None = None) -> None:
        self._names = names
        self._purse = purse

    def __call__(self, expression: str, roots: Mapping[str, JSON]) -> JSON:
        """The value of an expression that may use `roots` beside what the stage sees."""
        compiled = _compiled(expression, roots)
        return compiled.evaluate(MoreNames(self._names, roots), self._purse)


class Allowance:
    """What all evaluations of one attempt may spend where nothing can interrupt them."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS_TOGETHER

    def spend(self, steps: int) -> None:
        """Counts the work of an evaluation. Raises StageError when all were too much."""
        self._steps -= steps
        if self._steps < 0:
            limit = MAX_STEPS_TOGETHER
            message = f"The expressions of this stage take more than {limit} steps together."
            raise StageError("EXPRESSION", message)


def evaluator_here(names: StageNames) -> Evaluator:
    """For what the coordinator runs itself."""
    return Evaluator(names, Allowance())


def evaluator_elsewhere(
    names: StageNames, component: Component, inputs: SimpleNamespace
) -> Evaluator:
    """For a call, which another thread runs: all that its expressions look at is looked up now.

    The time of the attempt bounds its work.
    """
    references = NOTHING
    for name, declared in component.fields.items():
        text = getattr(inputs, name)
        if declared.kind is Kind.EXPRESSION and text:
            references |= _references(text, declared.roots)
    upstream = _found(references.upstream, names.upstream)
    return Evaluator(FrozenNames(_found(references.roots, names.root), upstream))


def _references(text: str, roots: Iterable[str]) -> References:
    try:
        return _compiled(text, roots).references
    except StageError:
        return NOTHING  # the component hears of it when it evaluates


def _compiled(text: str, roots: Iterable[str]) -> Expression:
    try:
        return compile_expression(text, extra_roots=PLACED_ROOTS.union(roots))
    except ExpressionSyntaxError as refused:
        raise StageError("EXPRESSION", refused.message) from None


def _found(names: Iterable[str], look_up: Callable[[str], JSON]) -> dict[str, JSON]:
    """Those of the names that have a value."""
    found: dict[str, JSON] = {}
    for name in names:
        try:
            found[name] = look_up(name)
        except KeyError:
            continue  # missing is judged when the expression asks for it
    return found
