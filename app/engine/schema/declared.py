"""The JSON Schemas of what a component takes and gives, written from its declaration (contract 09).

They describe the value that reaches the component. A config may also hold what becomes that value:
a template, or another kind that type coercion turns into it. Fields that take no template are
marked `x-flowmason-constant`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.core.wire import JSON
from app.engine.component import Field, Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_INPUT = (
    "The values as the component takes them. A config may hold a template for any of them, but for "
    "those marked x-flowmason-constant, and values that type coercion turns into these."
)

_KINDS: Mapping[Kind, Schema] = {
    Kind.ANY: {},
    Kind.STRING: {"type": "string"},
    Kind.INTEGER: {"type": "integer", "format": "int64"},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.OBJECT: {"type": "object"},
    Kind.ARRAY: {"type": "array"},
    Kind.EXPRESSION: {"type": "string", "format": "flowmason-expression"},
}

#: Bounds are those of a number, or of the length of whatever has one.
_NUMBER = ("minimum", "maximum")
_LENGTHS = {
    Kind.STRING: ("minLength", "maxLength"),
    Kind.ARRAY: ("minItems", "maxItems"),
    Kind.OBJECT: ("minProperties", "maxProperties"),
}


def input_schema(fields: Mapping[str, Field]) -> Schema:
    """The schema of a component's inputs; an optional one may be null, which means its default."""
    return {**_object(fields, _input), "description": _INPUT}


def output_schema(outputs: Mapping[str, Field]) -> Schema:
    """The schema of what a completed stage of the component gives."""
    return _object(outputs, _output)


def _object(fields: Mapping[str, Field], write: Callable[[Field], Schema]) -> Schema:
    return {"$schema": DIALECT, "type": "object", **_members(fields, write)}


def _members(fields: Mapping[str, Field], write: Callable[[Field], Schema]) -> Schema:
    return {
        "properties": {name: write(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def _input(field: Field) -> Schema:
    schema = _output(field)
    if field.default is not None:
        schema["default"] = field.default
    if field.constant or field.stages:
        schema["x-flowmason-constant"] = True
    return schema


def _output(field: Field) -> Schema:
    schema = _form(field) if field.required else _or_null(_form(field))
    return {**schema, "description": field.description} if field.description else schema


def _or_null(schema: Schema) -> Schema:
    nullable: Schema = {"type": [schema["type"], "null"]} if "type" in schema else {}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    if "anyOf" in schema:
        nullable["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return {**schema, **nullable}


def _form(field: Field) -> Schema:
    """The schema of a value other than null."""
    kind = Kind.ANY if field.variants else field.kind
    return {**_KINDS[kind], **dict(_keywords(field, kind))}


def _keywords(field: Field, kind: Kind) -> Iterator[tuple[str, JSON]]:
    if field.variants:
        yield "anyOf", [_form(variant) for variant in field.variants]
    if field.choices:
        yield "enum", list(field.choices)
    if field.items is not None and kind is not Kind.OBJECT:
        yield "items", _form(field.items)
    if field.items is not None and kind is not Kind.ARRAY:
        yield "additionalProperties", _form(field.items)
    if field.members is not None:
        yield from _members(field.members, _input).items()
    if field.pattern is not None:
        yield "pattern", f"^(?:{field.pattern})$"
    # Each keyword speaks of values of its own type alone.
    every = (_NUMBER, *_LENGTHS.values())
    for least, most in every if kind is Kind.ANY else (_LENGTHS.get(kind, _NUMBER),):
        if field.low is not None:
            yield least, field.low
        if field.high is not None:
            yield most, field.high
