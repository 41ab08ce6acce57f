"""JMESPath with a bound on its work.

The language can double a value with seven characters (`[@,@][]`), so each node counts what it
visits and measures what it makes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jmespath import functions, parser, visitor
from jmespath.exceptions import JMESPathError

from app.core.wire import JSON
from app.engine.expressions import measure

MAX_CHARACTERS = 4096
MAX_NESTING = 50
_MAX_STEPS = 1_000_000
_MAX_MADE_BYTES = 4_194_304
_OPENING, _CLOSING = "([{", ")]}"


class BadSearch(ValueError):
    """The text is no JMESPath expression, or it cannot be applied; the message is a sentence."""


class _Meter:
    """What one search may still do."""

    def __init__(self) -> None:
        self.steps = _MAX_STEPS

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise BadSearch(f"The search takes more than {_MAX_STEPS} steps.")

    def allow(self, value: JSON) -> None:
        self.allow_bytes(measure(value, _MAX_MADE_BYTES, self))

    def allow_bytes(self, size: int) -> None:
        if size > _MAX_MADE_BYTES:
            raise BadSearch(f"The search makes a value of more than {_MAX_MADE_BYTES} bytes.")


class _Functions(functions.Functions):  # type: ignore[misc]
    """The standard functions, those that can grow a text measured before."""

    def __init__(self, meter: _Meter) -> None:
        self._meter = meter

    def call_function(self, function_name: str, resolved_args: list[Any]) -> Any:
        for argument in resolved_args:
            if isinstance(argument, list | dict):
                self._meter.spend(len(argument))
        if function_name in ("join", "to_string"):
            self._meter.allow(resolved_args)
        if function_name == "join":
            self._meter.allow_bytes(_separators(*resolved_args[:2]))
        return super().call_function(function_name, resolved_args)


def _separators(separator: Any = None, parts: Any = None) -> int:
    known = isinstance(separator, str) and isinstance(parts, list)
    return len(separator) * len(parts) if known else 0


class _Interpreter(visitor.TreeInterpreter):  # type: ignore[misc]
    """Counts every visit; what a multi-select or flatten makes is measured."""

    def __init__(self) -> None:
        meter = _Meter()
        super().__init__(visitor.Options(custom_functions=_Functions(meter)))
        self._meter = meter

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._meter.spend(1)
        return super().visit(node, *args, **kwargs)

    def visit_multi_select_list(self, node: Any, value: JSON) -> JSON:
        return self._measured(super().visit_multi_select_list(node, value))

    def visit_multi_select_dict(self, node: Any, value: JSON) -> JSON:
        return self._measured(super().visit_multi_select_dict(node, value))

    def visit_flatten(self, node: Any, value: JSON) -> JSON:
        flat = super().visit_flatten(node, value)
        self._meter.spend(len(flat or ()))
        return flat

    def visit_slice(self, node: Any, value: JSON) -> JSON:
        part = super().visit_slice(node, value)
        self._meter.spend(len(part or ()))
        return part

    def visit_comparator(self, node: Any, value: JSON) -> JSON:
        self._meter.spend(1)
        return super().visit_comparator(node, value)

    def _measured(self, made: JSON) -> JSON:
        self._meter.allow(made)
        return made


@lru_cache(maxsize=128)
def compile_search(text: str) -> Any:
    """The expression of a text. Raises BadSearch."""
    if len(text) > MAX_CHARACTERS:
        raise BadSearch(f"The expression is longer than {MAX_CHARACTERS} characters.")
    if _nesting(text) > MAX_NESTING:
        raise BadSearch(f"The expression nests deeper than {MAX_NESTING}.")
    try:
        return parser.Parser().parse(text)
    except (JMESPathError, ValueError, RecursionError, Warning) as refused:
        raise BadSearch(f"This is no JMESPath expression: {_reason(refused)}.") from None


def _nesting(text: str) -> int:
    """At most how deep brackets and prefixes nest; those inside of quotes count too."""
    depth = deepest = prefixes = 0
    for mark in text:
        if mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth -= 1
        prefixes = prefixes + 1 if mark in "!&" else 0
        deepest = max(deepest, depth + prefixes)
    return deepest


def _reason(refused: BaseException) -> str:
    if isinstance(refused, RecursionError):
        return "it nests too deeply"
    lines = str(refused).splitlines() or ["it cannot be read"]
    return lines[0].rstrip(".:")[:200]


def search(text: str, data: JSON) -> JSON:
    """What a JMESPath expression finds in `data`. Raises BadSearch."""
    compiled = compile_search(text)
    try:
        found = _Interpreter().visit(compiled.parsed, data)
    except RecursionError:
        raise BadSearch("The search nests too deeply.") from None
    except (JMESPathError, ArithmeticError, TypeError, ValueError) as failed:
        if isinstance(failed, BadSearch):
            raise
        raise BadSearch(f"The search failed: {_reason(failed)}.") from None
    if type(found).__name__ == "_Expression":
        raise BadSearch("The search gives an expression, not a value.")
    return found
