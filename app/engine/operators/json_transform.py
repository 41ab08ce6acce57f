"""json_transform: a value picked, renamed, flattened or passed on (contract 02)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import NamedTuple

from app.core import wire
from app.core.errors import StageError, StudioError
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext
from app.engine.expressions import measure
from app.engine.operators.jmespath_search import BadSearch, compile_search, search
from app.engine.paths import follow, parse_path


class Transformed(NamedTuple):
    """What became of the data, and what a mapping found and missed."""

    result: JSON
    mapped: int = 0
    missing: tuple[str, ...] = ()


class JsonTransform(Component):
    """The first that is given applies: jmespath_expression, mapping, flatten, else nothing."""

    type = "json_transform"
    inline = True
    fields = {
        "data": Field(Kind.ANY, required=True),
        "mapping": Field(
            Kind.OBJECT, items=Field(Kind.STRING), description="Target name to dotted path"
        ),
        "jmespath_expression": Field(Kind.STRING, description="Applied to the data"),
        "defaults": Field(
            Kind.OBJECT, default={}, description="Target name to the value of an absent path"
        ),
        "flatten": Field(
            Kind.BOOLEAN, default=False, description="Nested objects become dotted keys"
        ),
        "exclude_fields": Field(
            Kind.ARRAY, default=[], items=Field(Kind.STRING), description="Top-level keys to drop"
        ),
        "parse_json_strings": Field(
            Kind.BOOLEAN, default=True, description="Data that is JSON text is parsed first"
        ),
    }
    outputs = {
        "result": Field(Kind.ANY, required=True),
        "fields_mapped": Field(Kind.INTEGER, required=True, low=0),
        "fields_missing": Field(
            Kind.ARRAY,
            required=True,
            items=Field(Kind.STRING),
            description="Targets whose path is absent",
        ),
    }
    about = About(
        name="JSON transform",
        description="Picks, renames or flattens a value.",
        category=Category.DATA,
        icon="braces",
        color="#0ea5e9",
        tags=("json", "mapping", "jmespath"),
        examples=(
            Example(
                config={
                    "data": {"user": {"name": "Ada", "langs": ["en"]}},
                    "mapping": {"name": "user.name", "first": "user.langs[0]", "age": "user.age"},
                    "defaults": {"age": 36},
                },
                output={
                    "result": {"name": "Ada", "first": "en", "age": 36},
                    "fields_mapped": 2,
                    "fields_missing": ["age"],
                },
            ),
            Example(
                config={"data": [{"id": 1}, {"id": 2}], "jmespath_expression": "[].id"},
                output={"result": [1, 2], "fields_mapped": 0, "fields_missing": []},
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The transformed data.

        Raises StageError TRANSFORMATION for a JMESPath expression that cannot be applied, EXECUTION
        for a result larger than `context.max_output_bytes`.
        """
        data = _parsed(inputs.data) if inputs.parse_json_strings else inputs.data
        done = _transformed(data, inputs, context.max_output_bytes)
        result = _without(done.result, inputs.exclude_fields)
        # One large value mapped many times is small in memory and immense as text.
        _allow(measure(result, context.max_output_bytes), context.max_output_bytes)
        return {
            "result": result,
            "fields_mapped": done.mapped,
            "fields_missing": list(done.missing),
        }

    @classmethod
    def check_config(cls, config: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
        """A constant `jmespath_expression` that cannot be read."""
        text = config.get("jmespath_expression")
        if isinstance(text, str):
            try:
                compile_search(text)
            except BadSearch as bad:
                yield "jmespath_expression", str(bad)


def _parsed(data: JSON) -> JSON:
    """The value that a string means as JSON; anything else stays as it is."""
    if type(data) is not str:
        return data
    try:
        return wire.loads(data)
    except StudioError:
        return data


def _transformed(data: JSON, inputs: SimpleNamespace, most_bytes: int) -> Transformed:
    if inputs.jmespath_expression is not None:
        return Transformed(_searched(inputs.jmespath_expression, data))
    if inputs.mapping is not None:
        return _mapped(data, inputs.mapping, inputs.defaults)
    if inputs.flatten:
        return Transformed(_flattened(data, most_bytes))
    return Transformed(data)


def _searched(text: str, data: JSON) -> JSON:
    try:
        return search(text, data)
    except BadSearch as bad:
        raise StageError("TRANSFORMATION", str(bad)) from None


def _mapped(data: JSON, mapping: Mapping[str, str], defaults: Mapping[str, JSON]) -> Transformed:
    result: dict[str, JSON] = {}
    missing: list[str] = []
    for target, path in mapping.items():
        try:
            result[target] = follow(data, parse_path(path, brackets=True))
        except KeyError:
            result[target] = defaults.get(target)
            missing.append(target)
    return Transformed(result, len(mapping) - len(missing), tuple(missing))


def _flattened(data: JSON, most_bytes: int) -> JSON:
    """Nested objects as dotted keys, in document order; arrays and empty objects are values."""
    if type(data) is not dict:
        return data
    flat: dict[str, JSON] = {}
    size = 0
    stack = [("", data)]
    while stack:
        prefix, value = stack.pop()
        if type(value) is dict and (value or not prefix):
            dotted = f"{prefix}." if prefix else ""
            # Every key repeats the names above it, so it is measured before it is made.
            size += sum(map(len, value)) + len(value) * len(dotted)
            _allow(size, most_bytes)
            stack.extend((dotted + name, value[name]) for name in reversed(value))
        else:
            flat[prefix] = value
    return flat


def _without(result: JSON, names: list[str]) -> JSON:
    if not names or type(result) is not dict:
        return result
    excluded = set(names)
    return {name: value for name, value in result.items() if name not in excluded}


def _allow(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise StageError("EXECUTION", f"The output is larger than {most_bytes} bytes.")
