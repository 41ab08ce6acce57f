"""Values brought to the types of a schema: contract 01's table, followed through JSON Schema."""

import copy
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Stopped
from app.engine.expressions.operators import equal
from app.engine.schema import SchemaError, coerce_to_schema, compile_schema


class Purse:
    """Counts, and refuses more than it has."""

    def __init__(self, steps=10**9):
        self.steps = steps

    def spend(self, steps):
        self.steps -= steps
        if self.steps < 0:
            raise Stopped


def coerced(schema, value):
    before = copy.deepcopy(value)
    compile_schema(schema)
    made = coerce_to_schema(schema, value, Purse())
    assert value == before, "the data itself was changed"
    return made


def same(one, other):
    """Equality that tells 1, 1.0 and true apart."""
    return repr(one) == repr(other)


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        ("integer", "5", 5),
        ("integer", "-5.0", -5),
        ("integer", 5.0, 5),
        ("integer", "5.5", "5.5"),
        ("integer", 5.5, 5.5),
        ("integer", True, True),
        ("number", "2.5e1", 25.0),
        ("number", "7", 7),
        ("number", 7, 7),
        ("number", "x", "x"),
        ("boolean", "Yes", True),
        ("boolean", "off", False),
        ("boolean", 1, 1),
        ("string", 5, "5"),
        ("string", True, "true"),
        ("string", [1], [1]),
        ("object", '{"a":1}', {"a": 1}),
        ("object", "[1]", "[1]"),
        ("array", "[1]", [1]),
        ("array", "1", "1"),
        ("null", "", ""),
        ("integer", None, None),
        (["integer", "null"], None, None),
        (["integer", "null"], "5", 5),
        (["string", "integer"], "5", "5"),
        (["string", "integer"], 5.0, 5),
        (["integer", "string"], 5.0, 5),
        (["string", "number"], 5.0, 5.0),
        (["boolean", "integer"], "1", True),
        (["integer", "boolean"], "1", 1),
        (["array", "boolean"], "on", True),
    ],
)
def test_types_follow_the_coercion_table(type, value, expected):
    assert same(coerced({"type": type}, value), expected)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"enum": ["Red", "red", "BLUE"]}, "red", "red"),
        ({"enum": ["Red", "BLUE"]}, "RED", "Red"),
        ({"enum": ["Red"]}, "green", "green"),
        ({"enum": [1, "One"]}, "oNE", "One"),
        ({"const": "Red"}, "red", "Red"),
        ({"const": 1}, "1", "1"),
        ({"type": "integer", "enum": [1, 2]}, "2", 2),
    ],
)
def test_a_text_finds_its_choice_in_any_case(schema, value, expected):
    assert same(coerced(schema, value), expected)


INT = {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"properties": {"n": INT}}, {"n": "1", "m": "2"}, {"n": 1, "m": "2"}),
        ({"additionalProperties": INT, "properties": {"s": {}}}, {"s": "1", "m": "2"},
         {"s": "1", "m": 2}),
        ({"patternProperties": {"^n": INT}, "additionalProperties": {"type": "boolean"}},
         {"n1": "1", "x": "yes"}, {"n1": 1, "x": True}),
        ({"patternProperties": {"^n": INT}, "properties": {"n": {"type": "number"}}},
         {"n": "1"}, {"n": 1}),
        ({"items": INT}, ["1", 2, "x"], [1, 2, "x"]),
        ({"items": INT}, '["1"]', '["1"]'),
        ({"type": "array", "items": INT}, '["1"]', [1]),
        ({"prefixItems": [{"type": "string"}], "items": INT}, [1, "2", "3"], ["1", 2, 3]),
        ({"prefixItems": [INT]}, ["1", "2"], [1, "2"]),
        ({"properties": {"deep": {"items": {"properties": {"n": INT}}}}},
         {"deep": [{"n": "1"}, {"n": 2}, 3]}, {"deep": [{"n": 1}, {"n": 2}, 3]}),
        ({"properties": {"n": False}}, {"n": "1"}, {"n": "1"}),
        ({"properties": {"n": INT}}, ["1"], ["1"]),
    ],
)  # fmt: skip
def test_members_and_elements_are_coerced_where_the_schema_speaks_of_them(schema, value, expected):
    assert same(coerced(schema, value), expected)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"$ref": "#/$defs/n", "$defs": {"n": INT}}, "1", 1),
        ({"$ref": "#n", "$defs": {"x": {"$anchor": "n", "type": "integer"}}}, "1", 1),
        ({"$ref": "other", "$defs": {"x": {"$id": "other", "items": INT}}}, ["1"], [1]),
        ({"properties": {"n": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": INT}}, {"n": "1"},
         {"n": 1}),
        ({"allOf": [{"type": "object"}, {"properties": {"n": INT}}]}, '{"n":"1"}', {"n": 1}),
        ({"properties": {"n": {}}, "allOf": [{"allOf": [{"properties": {"n": INT}}]}]},
         {"n": "1"}, {"n": 1}),
        ({"$ref": "#/$defs/t", "$defs": {"t": {"properties": {"n": INT,
         "next": {"$ref": "#/$defs/t"}}}}}, {"next": {"next": {"n": "3"}}},
         {"next": {"next": {"n": 3}}}),
        ({"allOf": [True, {"type": "integer"}]}, "1", 1),
    ],
)  # fmt: skip
def test_references_and_all_of_are_followed(schema, value, expected):
    assert same(coerced(schema, value), expected)


SHAPES = {
    "oneOf": [
        {"properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}, "required": ["r"]},
        {"properties": {"kind": {"const": "name"}, "r": {"type": "string"}}},
    ]
}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"anyOf": [INT, {"type": "string"}]}, "5", "5"),
        ({"anyOf": [{"type": "object"}, INT]}, "5", 5),
        ({"anyOf": [{"type": "boolean"}, INT]}, "1", True),
        ({"anyOf": [INT, {"type": "null"}]}, "5", 5),
        ({"anyOf": [INT, {"type": "null"}]}, None, None),
        ({"anyOf": [INT, {"type": "boolean"}]}, "x", "x"),
        ({"anyOf": [{"items": INT}, {"items": {"type": "string"}}]}, ["1"], ["1"]),
        ({"anyOf": [{"items": INT}, {"items": {"type": "boolean"}}]}, ["2", "yes"], ["2", "yes"]),
        ({"anyOf": [{"items": INT}, {"items": {"type": "boolean"}}]}, ["no", "yes"],
         [False, True]),
        (SHAPES, {"kind": "circle", "r": "2"}, {"kind": "circle", "r": 2}),
        (SHAPES, {"kind": "name", "r": 2}, {"kind": "name", "r": "2"}),
        ({"anyOf": [{"$ref": "#/$defs/n"}], "$defs": {"n": {"anyOf": [INT]}}}, "1", 1),
    ],
)  # fmt: skip
def test_of_variants_the_first_that_fits_is_taken_and_as_it_is_before_changed(
    schema, value, expected
):
    assert same(coerced(schema, value), expected)


def test_a_null_becomes_the_default_of_an_optional_member():
    number = {"type": "integer", "default": 3}
    schema = {"properties": {"a": number, "b": number, "c": {**number, "type": ["null"]}, "d": INT,
                             "e": {"default": 1}}, "required": ["b"]}  # fmt: skip

    made = coerced(schema, dict.fromkeys("abcde"))

    assert made == {"a": 3, "b": None, "c": None, "d": None, "e": None}


def test_a_default_is_given_as_a_copy():
    schema = {"properties": {"a": {"type": "array", "default": []}}}

    made = coerced(schema, {"a": None})
    made["a"].append(1)

    assert schema["properties"]["a"]["default"] == []


def test_parts_that_need_no_change_are_not_copied():
    value = {"a": {"b": [1, 2]}, "c": "1"}

    made = coerced({"properties": {"c": INT, "a": {"type": "object"}}}, value)

    assert made["a"] is value["a"]
    assert coerced({"properties": {"a": {"type": "object"}}}, value) is value


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 2.0, "1", "2.0", "x", "true", "A", "a", "[1]", '{"a":1}']),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)
_types = st.sampled_from(
    ["string", "integer", "number", "boolean", "object", "array", "null", ["integer", "string"],
     ["null", "number"], ["array", "object"]]
)  # fmt: skip


def _larger(inner):
    """A schema of one to three keywords."""
    several = st.lists(inner, min_size=1, max_size=2)
    members = {
        "type": _types,
        "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=1),
        "items": inner,
        "prefixItems": several,
        "allOf": several,
        "anyOf": several,
        "oneOf": several,
        "required": st.just(["a"]),
        "enum": st.just(["a", 1, None, [1]]),
        "not": inner,
        "default": scalars,
        "$ref": st.just("#/$defs/x"),
    }
    pairs = st.one_of(*(st.tuples(st.just(name), form) for name, form in members.items()))
    return st.lists(pairs, min_size=1, max_size=3).map(dict)


schemas = st.recursive(
    st.booleans() | _types.map(lambda type: {"type": type}), _larger, max_leaves=5
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(schema=_larger(schemas), shared=st.builds(lambda type: {"type": type}, _types), value=values)
def test_a_valid_value_stays_as_it_is(schema, shared, value):
    schema = {**schema, "$defs": {"x": shared}}

    made = coerced(schema, value)

    assert equal(Purse(), made, value) or compile_schema(schema).errors(value)


def test_work_can_be_stopped_anywhere():
    schema = {"items": {"anyOf": [{"items": INT}, {"items": {"type": "boolean"}}]}}

    with pytest.raises(Stopped):
        coerce_to_schema(schema, [["yes"] * 1000] * 10, Purse(5000))


def test_a_chain_of_variants_without_end_in_sight_is_refused():
    schema = {"$defs": {}, "$ref": "#/$defs/0"}
    for at in range(2000):
        schema["$defs"][str(at)] = {"anyOf": [{"$ref": f"#/$defs/{at + 1}"}]}
    schema["$defs"]["2000"] = INT
    compile_schema(schema)

    with pytest.raises(SchemaError):
        coerce_to_schema(schema, "1", Purse())


def test_a_long_chain_of_references_is_followed():
    schema = {"$defs": {}, "$ref": "#/$defs/0"}
    for at in range(5000):
        schema["$defs"][str(at)] = {"$ref": f"#/$defs/{at + 1}"}
    schema["$defs"]["5000"] = INT

    assert coerced(schema, "1") == 1


def test_text_in_text_in_text_ends():
    schema = {
        "$ref": "#/$defs/list",
        "$defs": {"list": {"type": "array", "items": {"$ref": "#/$defs/list"}}},
    }

    assert coerced(schema, '["[\\"[]\\"]"]') == [[[]]]


def test_work_grows_with_the_value_alone():
    schema = {"items": {"properties": {"n": INT}, "anyOf": [{"required": ["m"]}, INT, {}]}}
    compile_schema(schema)

    def steps(count):
        purse = Purse()
        coerce_to_schema(schema, [{"n": "1"}] * count, purse)
        return 10**9 - purse.steps

    start = time.process_time()
    assert steps(2000) < 2.1 * steps(1000)
    assert time.process_time() - start < 2
