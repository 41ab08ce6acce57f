"""schema_validate by contract 02."""

import time

import pytest

from app.core.errors import StageError
from app.engine.coercion import build_inputs
from app.engine.context import StageContext
from app.engine.operators.schema_validate import MAX_SCHEMA_BYTES, SchemaValidate
from tests.engine.pieces import document, problems, stage

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


def validated(data, json_schema, **config):
    context = StageContext(run_id="r", stage_id="s", attempt=1)
    inputs = build_inputs(
        SchemaValidate.fields, {"data": data, "json_schema": json_schema, **config}
    )
    return SchemaValidate().run(context, inputs)


def test_valid_data_has_no_errors():
    data = {"name": "Ada", "age": 36}

    assert validated(data, PERSON) == {
        "valid": True,
        "data": data,
        "errors": [],
        "error_count": 0,
    }


def test_invalid_data_is_told_of_and_fails_nothing():
    data = {"age": -1, "x/y": 1}

    done = validated(data, PERSON)

    assert (done["valid"], done["data"], done["error_count"]) == (False, data, 3)
    assert {(error["path"], error["keyword"]) for error in done["errors"]} == {
        ("/name", "required"),
        ("/age", "minimum"),
        ("/x~1y", "additionalProperties"),
    }
    assert all(set(error) == {"path", "message", "keyword"} for error in done["errors"])
    assert {error["message"] for error in done["errors"]} >= {"This member is required."}


def test_only_the_first_error_when_not_all_are_wanted():
    done = validated([1, 2], {"items": {"type": "string"}}, collect_all_errors=False)

    assert [error["path"] for error in done["errors"]] == ["/0"]
    assert (done["valid"], done["error_count"]) == (False, 1)


def test_format_counts_only_when_strict():
    schema = {"format": "email"}

    assert validated("nobody", schema)["valid"] is False
    assert validated("nobody", schema, strict=False)["valid"] is True
    assert validated("nobody", schema, strict=True)["errors"][0]["keyword"] == "format"


def test_schema_is_of_2020_12():
    schema = {"prefixItems": [{"type": "string"}], "items": False}

    assert validated(["a"], schema)["valid"] is True
    assert validated(["a", "b"], schema)["valid"] is False


def test_types_are_coerced_before_only_when_told_so():
    data = {"name": 5, "age": "36"}

    assert validated(data, PERSON)["valid"] is False
    done = validated(data, PERSON, coerce_types=True)

    assert (done["valid"], done["data"]) == (True, {"name": "5", "age": 36})
    assert data == {"name": 5, "age": "36"}


def test_what_cannot_be_coerced_is_told_of():
    done = validated({"name": "x", "age": "many"}, PERSON, coerce_types=True)

    assert [error["path"] for error in done["errors"]] == ["/age"]
    assert done["data"] == {"name": "x", "age": "many"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strin"},
        {"pattern": "(?=a)"},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/nowhere"},
        {"properties": {"a": {"$ref": "#"}}, "allOf": [{"$ref": "#"}]},
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_schema_that_cannot_be_used_is_a_validation_error(schema, strict):
    with pytest.raises(StageError) as refused:
        validated(1, schema, strict=strict)

    assert refused.value.type == "VALIDATION"
    assert refused.value.details == {"field": "/json_schema"}


def test_a_constant_schema_that_cannot_be_used_is_a_problem_at_save():
    wrong = stage("a", "schema_validate", data=1, json_schema={"properties": {"x": {"type": 1}}})
    text = stage("b", "schema_validate", data=1, json_schema='{"pattern":"(?=a)"}')
    right = stage("c", "schema_validate", data="{{ input }}", json_schema=PERSON)
    later = stage("d", "schema_validate", data=1, json_schema={"type": "{{ input.type }}"})

    assert problems(document(wrong, text, right, later)) == [
        ("/stages/0/config/json_schema", "wrong-config-type"),
        ("/stages/1/config/json_schema", "wrong-config-type"),
    ]


def test_a_schema_given_as_text_is_read():
    assert validated(5, '{"type": "integer"}')["valid"] is True


def doubling(depth):
    """Each definition names the next twice."""
    defs = {str(i): {"allOf": [{"$ref": f"#/$defs/{i + 1}"}] * 2} for i in range(depth)}
    return {"$ref": "#/$defs/0", "$defs": {**defs, str(depth): {"type": "integer"}}}


@pytest.mark.parametrize("coerce_types", [True, False])
@pytest.mark.parametrize(
    "schema", [doubling(40), {"enum": [0] * MAX_SCHEMA_BYTES}], ids=["doubling", "immense"]
)
def test_a_hostile_schema_is_refused_at_once(schema, coerce_types):
    start = time.process_time()
    with pytest.raises(StageError) as refused:
        validated("1", schema, coerce_types=coerce_types)

    assert refused.value.type == "VALIDATION"
    assert time.process_time() - start < 2


def test_data_too_large_for_a_heavy_schema_is_refused_and_not_called_invalid():
    with pytest.raises(StageError) as refused:
        validated([0] * 100_000, doubling(12) | {"items": doubling(12)})

    assert refused.value.type == "VALIDATION"
    assert refused.value.details == {"field": "/data"}


def test_coercion_leaves_for_the_pool():
    def runs_inline(**config):
        fields = SchemaValidate.fields
        return SchemaValidate().runs_inline(build_inputs(fields, {"data": 1, **config}))

    assert runs_inline(json_schema={})
    assert not runs_inline(json_schema={}, coerce_types=True)
