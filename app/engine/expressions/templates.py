"""Values with templates in their strings: read once, resolved at each attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.core.wire import JSON, pointer
from app.engine.expressions.compiled import NOTHING, Expression, References, compiled
from app.engine.expressions.evaluation import MAX_MADE_BYTES, ExpressionError, Names
from app.engine.expressions.lexer import ExpressionSyntaxError, broken, template_end

Resolve = Callable[[Names], JSON]
_NONE: frozenset[str] = frozenset()


class Value:
    """JSON whose strings may hold templates.

    `constant`: there is none in it, so it resolves to itself.
    """

    __slots__ = ("_raw", "_resolve", "constant", "references")

    def __init__(
        self,
        raw: JSON,
        resolve: Resolve | None = None,
        references: References = NOTHING,
    ) -> None:
        self.constant = resolve is None
        self.references = references
        self._raw = raw
        self._resolve = resolve

    def resolve(self, names: Names) -> JSON:
        """The value with its templates replaced; a constant is given as it is, not copied.

        Raises ExpressionError, which knows the place of the template.
        """
        return self._raw if self._resolve is None else self._resolve(names)


class _Reader:
    """Compiles a value. With `problems` it goes on after each and collects them."""

    def __init__(
        self, extra_roots: frozenset[str], problems: list[ExpressionSyntaxError] | None = None
    ) -> None:
        self._extra_roots = extra_roots
        self._problems = problems

    def read(self, raw: JSON, path: tuple[str | int, ...] = ()) -> Value:
        if isinstance(raw, str):
            return self._string(raw, path) if "{{" in raw else Value(raw)
        if isinstance(raw, Mapping):
            members = {name: self.read(raw[name], (*path, name)) for name in raw}
            return _container(raw, members, dict)
        if isinstance(raw, list | tuple):
            elements = {at: self.read(item, (*path, at)) for at, item in enumerate(raw)}
            return _container(raw, elements, list)
        return Value(raw)

    def _string(self, text: str, path: tuple[str | int, ...]) -> Value:
        place = pointer(*path)
        parts = list(self._parts(text, place))
        references = NOTHING
        for part in parts:
            if isinstance(part, Expression):
                references |= part.references
        if len(parts) == 1 and isinstance(parts[0], Expression):
            return Value(text, _whole(parts[0], place), references)
        return Value(text, _embedded(parts, place, text), references)

    def _parts(self, text: str, place: str) -> Iterator[str | Expression]:
        at = 0
        while (start := text.find("{{", at)) >= 0:
            if start > at:
                yield text[at:start]
            end = template_end(text, start + 2)
            if end < 0:
                self._report(broken("A template has no end", start).moved(0, place))
                return
            try:
                yield compiled(text[start + 2 : end], self._extra_roots)
            except ExpressionSyntaxError as problem:
                self._report(problem.moved(start + 2, place))
            at = end + 2
        if at < len(text):
            yield text[at:]

    def _report(self, problem: ExpressionSyntaxError) -> None:
        if self._problems is None:
            raise problem from None
        self._problems.append(problem)


def _container(raw: JSON, parts: Mapping[Any, Value], copy: Callable[[JSON], JSON]) -> Value:
    """An object or array; each time only its moving parts are made anew."""
    moving = [(place, value) for place, value in parts.items() if not value.constant]
    if not moving:
        return Value(raw)

    def resolve(names: Names) -> JSON:
        resolved = copy(raw)
        for place, value in moving:
            resolved[place] = value.resolve(names)
        return resolved

    return Value(raw, resolve, _references(parts.values()))


def _references(values: Iterable[Value]) -> References:
    total = NOTHING
    for value in values:
        total |= value.references
    return total


def _whole(expression: Expression, place: str) -> Resolve:
    if not place:
        return expression.evaluate

    def resolve(names: Names) -> JSON:
        try:
            return expression.evaluate(names)
        except ExpressionError as failed:
            raise failed.at_pointer(place) from None

    return resolve


def _embedded(parts: list[str | Expression], place: str, text: str) -> Resolve:
    def resolve(names: Names) -> JSON:
        try:
            made = [part if isinstance(part, str) else part.embedded(names) for part in parts]
        except ExpressionError as failed:
            raise failed.at_pointer(place) from None
        if sum(map(len, made)) > MAX_MADE_BYTES:
            raise ExpressionError("it makes a text that is too long", text, place)
        return "".join(made)

    return resolve


def compile_value(value: JSON, *, extra_roots: frozenset[str] = _NONE) -> Value:
    """Reads the templates of a value: in strings at any depth, not in the names of members.

    Raises ExpressionSyntaxError for the first that is wrong.
    """
    return _Reader(extra_roots).read(value)


def check_value(value: JSON, extra_roots: frozenset[str] = _NONE) -> list[ExpressionSyntaxError]:
    """Every template of a value that is wrong, in document order."""
    problems: list[ExpressionSyntaxError] = []
    _Reader(extra_roots, problems).read(value)
    return problems
