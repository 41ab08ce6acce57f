"""Expressions ready to be evaluated, and what they refer to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.core.wire import JSON
from app.engine.expressions.evaluation import (
    MAX_STEPS,
    ExpressionError,
    Names,
    Purse,
    Refused,
    State,
)
from app.engine.expressions.lexer import ExpressionSyntaxError, template_end
from app.engine.expressions.parser import ROOTS, Parser

_SHORT = 256  # characters; a compiled expression takes about a hundred times its text
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class References:
    """The names that expressions look at.

    `variables` are the members of `vars` named outright; `whole_variables` tells that `vars` is
    used whole or with a computed name. `input_members` and `whole_input` are the same of `input`.
    """

    roots: frozenset[str] = _NONE
    upstream: frozenset[str] = _NONE
    variables: frozenset[str] = _NONE
    whole_variables: bool = False
    input_members: frozenset[str] = _NONE
    whole_input: bool = False

    def __or__(self, other: References) -> References:
        return References(
            self.roots | other.roots,
            self.upstream | other.upstream,
            self.variables | other.variables,
            self.whole_variables or other.whole_variables,
            self.input_members | other.input_members,
            self.whole_input or other.whole_input,
        )


NOTHING = References()


class Expression:
    """A compiled expression; it keeps nothing between evaluations."""

    __slots__ = ("_run", "_steps", "references", "text")

    def __init__(self, text: str, roots: frozenset[str]) -> None:
        parser = Parser(text, roots)
        node = parser.parse()
        self.text = text.strip()
        self.references = References(
            frozenset(parser.roots),
            frozenset(parser.upstream),
            frozenset(parser.members["vars"]),
            "vars" in parser.whole,
            frozenset(parser.members["input"]),
            "input" in parser.whole,
        )
        self._run = node.run
        self._steps = MAX_STEPS - node.cost

    def evaluate(self, names: Names, purse: Purse | None = None) -> JSON:
        """The value. Its steps are spent of `purse` too, when one is given.

        Raises ExpressionError, and what the purse raises.
        """
        state = State(names, self._steps)
        try:
            value = self._run(state)
            if state.steps < 0:
                state.spend(0)
            return value
        except Refused as refused:
            raise ExpressionError(str(refused), self.text) from None
        finally:
            if purse is not None:
                purse.spend(MAX_STEPS - max(0, state.steps))

    def embedded(self, names: Names) -> str:
        """The value as it stands in a text. Raises ExpressionError."""
        state = State(names, self._steps)
        try:
            text = state.text(self._run(state))
            state.spend(0)
            return text
        except Refused as refused:
            raise ExpressionError(str(refused), self.text) from None


@lru_cache(maxsize=2048)
def _compiled_short(text: str, roots: frozenset[str]) -> Expression:
    return Expression(text, roots)


@lru_cache(maxsize=64)
def _compiled_long(text: str, roots: frozenset[str]) -> Expression:
    return Expression(text, roots)


def compiled(text: str, extra_roots: frozenset[str]) -> Expression:
    """The expression of a text without braces around it. Raises ExpressionSyntaxError."""
    roots = ROOTS | extra_roots if extra_roots else ROOTS
    return (_compiled_short if len(text) <= _SHORT else _compiled_long)(text, roots)


def compile_expression(text: str, *, extra_roots: frozenset[str] = _NONE) -> Expression:
    """The expression of a text, bare or as one `{{ }}`.

    `extra_roots` are names it may use beside the common ones. Compiled expressions are kept.
    Raises ExpressionSyntaxError.
    """
    start = len(text) - len(text.lstrip())
    bare = text.strip()
    if not bare.startswith("{{") or template_end(bare, 2) != len(bare) - 2:
        return compiled(text, extra_roots)
    try:
        return compiled(bare[2:-2], extra_roots)
    except ExpressionSyntaxError as problem:
        raise problem.moved(start + 2, "") from None
