"""The schemas of components: valid JSON Schema, and of one mind with validation and coercion."""

from __future__ import annotations

from functools import cache

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.wire import MAX_INTEGER
from app.engine.coercion import CoercionError, coerce
from app.engine.component import Component, Field, Kind
from app.engine.schema import compile_schema, input_schema, output_schema
from app.engine.validation.config import config_problems
from tests.engine.pieces import REGISTRY

STRING, INTEGER, ANY = Field(Kind.STRING), Field(Kind.INTEGER), Field(Kind.ANY)


class Sample(Component):
    """Declares a field of every form."""

    type = "sample"
    fields = {
        "any": Field(Kind.ANY, required=True),
        "text": Field(Kind.STRING, low=2, high=4),
        "name": Field(Kind.STRING, required=True, pattern=r"[a-z]+|\d", constant=True),
        "mode": Field(Kind.STRING, default="on", choices=("on", "off")),
        "whole": Field(Kind.INTEGER, low=-3, high=3),
        "free": Field(Kind.INTEGER),
        "number": Field(Kind.NUMBER, default=0.5, low=0.25),
        "flag": Field(Kind.BOOLEAN, default=True),
        "members": Field(Kind.OBJECT, items=INTEGER, high=2),
        "elements": Field(Kind.ARRAY, default=[], items=Field(Kind.BOOLEAN), low=0, high=3),
        "nested": Field(Kind.ARRAY, items=Field(Kind.OBJECT, items=ANY)),
        "either": Field(variants=(INTEGER, Field(Kind.ARRAY, items=STRING)), high=5),
        "test": Field(Kind.EXPRESSION),
        "targets": Field(Kind.ARRAY, items=STRING, stages=True),
    }
    outputs = fields


COMPONENTS = [Sample(), *REGISTRY]
of_each = pytest.mark.parametrize("component", COMPONENTS, ids=[each.type for each in COMPONENTS])


def judge(schema):
    """A validator of this schema that knows no mercy."""
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def shown(**fields):
    """The properties of an input schema."""
    return input_schema(fields)["properties"]


@of_each
def test_schemas_are_valid_by_the_dialect_that_they_name(component):
    for schema in (input_schema(component.fields), output_schema(component.outputs)):
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema_rs.meta.validate(schema)
        compile_schema(schema)


@of_each
def test_defaults_are_values_of_their_fields(component):
    schema = input_schema(component.fields)

    for name, member in schema["properties"].items():
        if "default" in member:
            assert judge(member).is_valid(member["default"]), name


def test_schema_is_closed_and_names_what_is_required():
    schema = input_schema({"a": Field(Kind.ANY, required=True), "b": STRING})

    assert (schema["type"], schema["required"]) == ("object", ["a"])
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("field", "member"),
    [
        (Field(Kind.ANY), {}),
        (Field(Kind.ANY, required=True), {}),
        (Field(Kind.STRING, required=True), {"type": "string"}),
        (Field(Kind.STRING), {"type": ["string", "null"]}),
        (
            Field(Kind.STRING, required=True, low=1, high=9),
            {"type": "string", "minLength": 1, "maxLength": 9},
        ),
        (
            Field(Kind.STRING, default="a", choices=("a", "b")),
            {"type": ["string", "null"], "enum": ["a", "b", None], "default": "a"},
        ),
        (
            Field(Kind.STRING, required=True, pattern="a|b", constant=True),
            {"type": "string", "pattern": "^(?:a|b)$", "x-flowmason-constant": True},
        ),
        (
            Field(Kind.INTEGER, required=True, low=1, high=50, description="Seconds"),
            {
                "type": "integer",
                "format": "int64",
                "minimum": 1,
                "maximum": 50,
                "description": "Seconds",
            },
        ),
        (
            Field(Kind.ARRAY, required=True, items=STRING, high=3),
            {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        ),
        (
            Field(Kind.OBJECT, required=True, items=STRING, low=1),
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
        ),
        (
            Field(variants=(STRING, Field(Kind.ARRAY, items=STRING)), stages=True),
            {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "string"}},
                    {"type": "null"},
                ],
                "x-flowmason-constant": True,
            },
        ),
        (
            Field(Kind.EXPRESSION, required=True),
            {"type": "string", "format": "flowmason-expression"},
        ),
    ],
)
def test_field_becomes_its_schema(field, member):
    assert shown(f=field) == {"f": member}


def test_output_has_no_default_and_no_mark():
    field = Field(Kind.STRING, default="a", constant=True)

    assert output_schema({"f": field})["properties"] == {"f": {"type": ["string", "null"]}}


# A config that the schema accepts, made from the schema alone.

TEXTS = st.text(max_size=5).filter(lambda text: "{{" not in text)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-MAX_INTEGER, MAX_INTEGER)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def values(schema):
    """JSON values that a schema accepts."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        made = st.one_of([values({**rest, **variant}) for variant in schema["anyOf"]])
    else:
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        made = st.one_of([_of_kind(kind, schema) for kind in kinds]) if kinds else JSON
    return made.filter(judge(schema).is_valid)


def _of_kind(kind, schema):
    low, high = schema.get("minimum"), schema.get("maximum")
    if kind == "string" and "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    if kind == "array":
        element = values(schema.get("items", {}))
        return st.lists(element, max_size=schema.get("maxItems", 3))
    if kind == "object" and "properties" in schema:
        return _objects(schema)
    if kind == "object":
        return st.dictionaries(TEXTS, values(schema.get("additionalProperties", {})), max_size=3)
    whole = st.integers(-MAX_INTEGER if low is None else low, MAX_INTEGER if high is None else high)
    bounded = low is not None or high is not None
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": whole | whole.filter(lambda n: abs(n) < 2**53).map(float),
        "number": st.floats(low, high, allow_nan=False) if bounded else WHOLE | NUMBERS,
        "string": TEXTS,
    }[kind]


@cache
def configs(component):
    """Configs that the input schema of a component accepts."""
    return _objects(input_schema(component.fields))


@cache
def judge_of_config(component):
    """A validator of the input schema of a component."""
    return judge(input_schema(component.fields))


@cache
def judge_of_field(component, name):
    """A validator of the schema of one field."""
    return judge(shown(**{name: component.fields[name]})[name])


def _objects(schema):
    members = {name: values(member) for name, member in schema["properties"].items()}
    must = {name: members.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(must, optional=members)


def bare(component):
    """The component without what `check_config` knows and no Field can say."""

    class Bare(Component):
        type = component.type
        fields = component.fields

    return Bare()


@of_each
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_config_that_the_schema_accepts_has_no_problems(component, data):
    config = data.draw(configs(component))

    assert judge_of_config(component).is_valid(config)
    assert list(config_problems(bare(component), config)) == []


WRITTEN = JSON | st.sampled_from(
    ["5", "-1", "2.0", "1e2", "yes", "OFF", "true", "On", "[]", "[1]", "[true]", '{"a": 1}', "{}"]
    + ["a", "abc", "abcd", "7", 2, 0.25, 3.0, ["1"], [1, "yes"], {"a": "2"}, [{}]]
)


@of_each
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_value_that_coercion_makes_is_accepted_by_the_schema(component, data):
    name = data.draw(st.sampled_from(sorted(component.fields)))
    try:
        made = coerce(component.fields[name], data.draw(WRITTEN))
    except CoercionError:
        return

    assert judge_of_field(component, name).is_valid(made), made
