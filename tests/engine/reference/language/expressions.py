"""What expressions and templates mean, by contract 01."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from tests.engine.reference.language.basics import Broken, Lost, contains, fit, member, need
from tests.engine.reference.language.basics import text as as_text
from tests.engine.reference.language.functions import FUNCTIONS
from tests.engine.reference.language.syntax import ROOTS, Tree, read
from tests.engine.reference.language.values import is_number, known, same, settled

OWN_ROOTS = ROOTS | {"item", "index", "error", "value", "data"}


class Names(Protocol):
    """Where the values of names come from."""

    def root(self, name: str) -> Any:
        """Raises Lost."""

    def upstream(self, stage_id: str) -> Any:
        """Raises Lost."""


def evaluate(tree: Tree, names: Names) -> Any:
    """The value of a tree. Raises Broken, and Undetermined."""
    kind, *rest = tree
    if kind == "constant":
        return rest[0]
    if kind == "root":
        return names.root(rest[0])
    if kind == "upstream":
        return names.upstream(rest[0])
    if kind == "list":
        return [evaluate(each, names) for each in rest[0]]
    if kind == "object":
        return {name: evaluate(each, names) for name, each in zip(*rest, strict=True)}
    if kind == "call":
        return _called(*rest, names)
    if kind in ("if", "and", "or"):
        return _chosen(kind, rest, names)
    values = [evaluate(each, names) for each in rest]
    result = OPERATIONS[kind](*values)
    return result if isinstance(result, dict | list) else settled(result)


def _chosen(kind: str, rest: list[Tree], names: Names) -> Any:
    """Only what is needed is evaluated."""
    first = evaluate(rest[0], names)
    holds = bool(_shallow(first))
    if kind == "if":
        return evaluate(rest[1] if holds else rest[2], names)
    return evaluate(rest[1], names) if holds is (kind == "and") else first


def _shallow(value: Any) -> Any:
    """The value, when it is known whether it is true."""
    return value if isinstance(value, dict | list) else known(value)


def _called(name: str, arguments: list[Tree], names: Names) -> Any:
    if name in ("default", "defined"):
        try:
            value = evaluate(arguments[0], names)
        except Lost:
            value = None
        is_there = _shallow(value) is not None
        if name == "defined":
            return is_there
        return value if is_there else evaluate(arguments[1], names)
    return FUNCTIONS[name](*(evaluate(argument, names) for argument in arguments))


def _numbers(act: Callable[[Any, Any], Any], divides: bool = False) -> Callable[[Any, Any], Any]:
    def checked(one: Any, other: Any) -> Any:
        need(is_number(known(one)) and is_number(known(other)))
        need(other != 0 or not divides)
        try:
            return fit(act(one, other))
        except OverflowError:
            raise Broken("too large") from None

    return checked


def _added(one: Any, other: Any) -> Any:
    if type(one) is type(other) and type(one) in (str, list):
        return one + other
    return _numbers(lambda left, right: left + right)(one, other)


def _ordered(act: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def checked(one: Any, other: Any) -> bool:
        known(one), known(other)
        both_numbers = is_number(one) and is_number(other)
        need(both_numbers or (isinstance(one, str) and isinstance(other, str)))
        return act(one, other)

    return checked


def _negative(value: Any) -> Any:
    need(is_number(known(value)))
    return fit(-value)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "not": lambda value: not _shallow(value),
    "negative": _negative,
    "member": member,
    "==": same,
    "!=": lambda one, other: not same(one, other),
    "<": _ordered(lambda one, other: one < other),
    "<=": _ordered(lambda one, other: one <= other),
    ">": _ordered(lambda one, other: one > other),
    ">=": _ordered(lambda one, other: one >= other),
    "in": lambda part, whole: contains(whole, part),
    "+": _added,
    "-": _numbers(lambda one, other: one - other),
    "*": _numbers(lambda one, other: one * other),
    "/": _numbers(lambda one, other: one / other, divides=True),
    "//": _numbers(lambda one, other: one // other, divides=True),
    "%": _numbers(lambda one, other: one % other, divides=True),
}

TEMPLATE = re.compile(r"\{\{((?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\{[^{}]*\}|[^'\"{}])*)\}\}")


def resolve(value: Any, names: Names) -> Any:
    """A value of a config with its templates resolved. Raises Broken, and Undetermined."""
    if isinstance(value, dict):
        return {name: resolve(item, names) for name, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, names) for item in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    only = TEMPLATE.fullmatch(value)
    if only:
        return evaluate(read(only[1], OWN_ROOTS), names)
    return TEMPLATE.sub(lambda found: as_text(evaluate(read(found[1], OWN_ROOTS), names)), value)


def bare(text: str) -> str:
    """An expression without the braces that may stand around it."""
    only = TEMPLATE.fullmatch(text.strip())
    return only[1] if only else text


def trees_in(value: Any) -> Iterator[Tree]:
    """The trees of all templates in a value."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from trees_in(item)
    elif isinstance(value, str):
        for found in TEMPLATE.finditer(value):
            yield read(found[1], OWN_ROOTS)


def parts(tree: Any) -> Iterator[Tree]:
    """A tree and all trees in it."""
    if isinstance(tree, tuple) and tree and isinstance(tree[0], str):
        yield tree
    if isinstance(tree, tuple | list):
        for part in tree:
            yield from parts(part)
