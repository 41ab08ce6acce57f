"""Schemas: what is refused, what is told of a value, and that the work stays bounded."""

import time

import pytest

from app.engine.schema import SchemaError, compile_schema


def violations(schema, value):
    return [(found.pointer, found.keyword) for found in compile_schema(schema).errors(value)]


def test_empty_schema_accepts_anything_and_is_one_for_all():
    assert compile_schema({}) is compile_schema({})
    assert compile_schema({}).errors([float("nan")]) == []


def test_missing_and_surplus_members_are_told_at_their_own_places():
    schema = {
        "type": "object",
        "required": ["url", "a/b"],
        "properties": {"url": {"type": "string"}, "deep": {"required": ["x"]}},
        "additionalProperties": False,
    }

    found = violations(schema, {"surplus": 1, "deep": {}, "other~": 2})

    assert sorted(found) == [
        ("/a~1b", "required"),
        ("/deep/x", "required"),
        ("/other~0", "additionalProperties"),
        ("/surplus", "additionalProperties"),
        ("/url", "required"),
    ]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"items": {"type": "integer"}}, [1, "a"], [("/1", "type")]),
        ({"format": "email"}, "nobody", [("", "format")]),
        ({"format": "date-time"}, "2026-01-01T00:00:00Z", []),
        ({"pattern": "^a+$"}, "b", [("", "pattern")]),
        ({"properties": {"a": {"enum": [1, 2]}}}, {"a": 3}, [("/a", "enum")]),
        ({"minimum": 3}, 3.0, []),
        ({"const": 1}, True, [("", "const")]),
        (
            {"properties": {"a": {}}, "unevaluatedProperties": False},
            {"a": 1, "b": 2},
            [("/b", "unevaluatedProperties")],
        ),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, 1, [("", "type")]),
        ({"$ref": "#a", "$defs": {"x": {"$anchor": "a", "type": "null"}}}, 1, [("", "type")]),
    ],
)
def test_violations_have_their_pointer_and_keyword(schema, value, expected):
    assert violations(schema, value) == expected


def test_sentence_does_not_repeat_the_value():
    (found,) = compile_schema({"type": "integer"}).errors("a secret")

    assert found.message == 'The value is not of type "integer".'


def test_errors_are_at_most_a_hundred():
    assert len(compile_schema({"items": {"type": "null"}}).errors([1] * 1000)) == 100
    names = [f"m{at}" for at in range(500)]
    assert len(compile_schema({"required": names}).errors({})) == 100


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "strin"}, "/type"),
        ({"properties": {"a": {"type": 5}}}, "/properties/a/type"),
        ({"minimum": "1"}, "/minimum"),
        ({"required": "a"}, "/required"),
        ({"pattern": "(?=a)"}, "/pattern"),
        ({"items": {"pattern": r"(a)\1"}}, "/items/pattern"),
        ({"pattern": "("}, "/pattern"),
        ({"$ref": "#/$defs/none"}, ""),
        ({"$ref": "http://127.0.0.1:9/schema"}, ""),
        ({"$ref": "other.json"}, ""),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, ""),
        ({"$ref": "#/x", "x": {"allOf": 5}}, "/x/allOf"),
        ({"$ref": "#/x/9", "x": [{}]}, ""),
        ({"const": "\ud800"}, ""),
        (True, ""),
        ([], ""),
        ("{}", ""),
    ],
)
def test_schema_that_cannot_be_used_is_refused(schema, place):
    with pytest.raises(SchemaError) as refused:
        compile_schema(schema)

    assert refused.value.pointer == place
    assert refused.value.message.endswith(".")


def test_branch_without_its_condition_asks_nothing():
    assert compile_schema({"then": {"$ref": "#/none"}, "else": {"$ref": "#"}}).errors(1) == []


def test_equal_schemas_share_one_check():
    one = compile_schema({"type": "object", "required": ["a"]})

    assert one is compile_schema({"required": ["a"], "type": "object"})


def chained(length, times):
    """Definitions that each name the next some times over."""
    names = [f"d{at}" for at in range(length)]
    pairs = zip(names, names[1:], strict=False)
    steps = {name: {"allOf": [{"$ref": f"#/$defs/{after}"}] * times} for name, after in pairs}
    return {"$ref": "#/$defs/d0", "$defs": {**steps, names[-1]: {"type": "string"}}}


def nested(depth, **extra):
    schema = {"type": "object"}
    for _ in range(depth):
        schema = {"allOf": [schema], **extra}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        chained(40, 2),
        chained(20, 3),
        {"items": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}},
        {"properties": {"a": {"anyOf": [{"$ref": "#"}, {"not": {"$ref": "#"}}]}}},
        nested(30, unevaluatedProperties=False),
        {"$ref": "#"},
        {"allOf": [{"anyOf": [{"$ref": "#/allOf/0"}]}]},
        {"$dynamicAnchor": "a", "not": {"$dynamicRef": "#a"}},
    ],
)
def test_schema_that_multiplies_its_work_is_refused(schema):
    began = time.process_time()

    with pytest.raises(SchemaError):
        compile_schema(schema)

    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (
            {
                "type": "object",
                "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}},
                "additionalProperties": {"type": "integer"},
            },
            {"left": {"right": {"v": 1}}},
            {"left": {"right": {"v": "x"}}},
        ),
        (
            {
                "properties": {"a": {"$ref": "#"}},
                "additionalProperties": {"$ref": "#"},
                "maxProperties": 1,
            },
            {"a": {"b": {}}},
            {"a": {"b": {"a": 1, "b": 2}}},
        ),
        (
            {"prefixItems": [{"$ref": "#"}, {"type": "integer"}], "items": {"$ref": "#"}},
            [[], 1, [[]]],
            [[], 1, [[], "x"]],
        ),
        (chained(30, 1), "text", 5),
        (nested(10, unevaluatedProperties=False, properties={"a": True}), {"a": 1}, {"b": 1}),
    ],
)
def test_recursive_schema_without_multiplication_is_used(schema, good, bad):
    check = compile_schema(schema)

    assert check.errors(good) == []
    assert check.errors(bad)


def test_large_value_is_not_judged_by_a_heavy_schema():
    heavy = {"items": {"oneOf": [{"const": at} for at in range(2000)]}}

    assert compile_schema(heavy).errors([1, 2, 3]) == []
    assert violations(heavy, [1] * 200_000) == [("", "size")]


def test_pattern_takes_linear_time():
    began = time.process_time()

    assert compile_schema({"pattern": "(a+)+$"}).errors("a" * 50_000 + "b")

    assert time.process_time() - began < 1


def test_schema_with_endless_combinations_is_refused_within_a_bounded_count():
    wide = {
        f"d{n}": {
            "properties": {f"p{k}": {"$ref": f"#/$defs/d{(n * 7 + k) % 300}"} for k in range(30)}
        }
        for n in range(300)
    }

    with pytest.raises(SchemaError, match="complex"):
        compile_schema({"$defs": wide, "$ref": "#/$defs/d0"})
