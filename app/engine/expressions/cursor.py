"""A place among the tokens of an expression, and how deep it is nested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from app.engine.expressions.lexer import ExpressionSyntaxError, Token, broken, tokens

MAX_NESTING = 50

T = TypeVar("T")


class Cursor:
    """Goes through the tokens once; whatever it does not expect is an ExpressionSyntaxError."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0

    @property
    def _kind(self) -> str:
        return self._tokens[self._at].kind

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _take(self, kind: str) -> bool:
        if self._kind != kind:
            return False
        self._at += 1
        return True

    def _expect(self, kind: str, wanted: str | None = None) -> Token:
        if self._kind != kind:
            raise self._unexpected(wanted or f"'{kind}'")
        return self._next()

    def _unexpected(self, wanted: str) -> ExpressionSyntaxError:
        return broken(f"Expected {wanted}", self._tokens[self._at].position)

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_NESTING:
            at = self._tokens[self._at].position
            raise broken(f"The expression nests deeper than {MAX_NESTING}", at)
        yield
        self._depth -= 1

    def _separated(self, end: str, read: Callable[[], T]) -> list[T]:
        with self._nested():
            if self._take(end):
                return []
            found = [read()]
            while self._take(","):
                found.append(read())
            self._expect(end, f"',' or '{end}'")
            return found
