"""The values of contract 01's examples, and names that give them."""

from __future__ import annotations

from typing import Any

import pytest

from app.engine.expressions import compile_value

INPUT = {
    "n": 5,
    "f": 2.5,
    "name": "Ada",
    "tags": ["x", "y"],
    "user": {"id": 7, "first name": "A"},
    "empty": "",
}
UPSTREAM = {
    "fetch": {"body": {"items": [{"id": 1, "p": 10}, {"id": 2, "p": 30}]}, "status_code": 200},
    "off": None,
}


class FixedNames:
    """Names with given values; the others are missing."""

    def __init__(self, roots: dict[str, Any], upstream: dict[str, Any]) -> None:
        self.roots = roots
        self.outputs = upstream

    def root(self, name: str) -> Any:
        return self.roots[name]

    def upstream(self, stage_id: str) -> Any:
        return self.outputs[stage_id]


@pytest.fixture
def names():
    """Makes names: those of the examples, with the given roots beside `input`."""

    def make(**roots: Any) -> FixedNames:
        return FixedNames({"input": INPUT, **roots}, UPSTREAM)

    return make


@pytest.fixture
def resolve(names):
    """The value of a string with templates, `roots` given."""
    return lambda text, **roots: compile_value(text).resolve(names(**roots))


@pytest.fixture
def value_of(resolve):
    """The value of one expression."""
    return lambda text, **roots: resolve("{{" + text + "}}", **roots)
