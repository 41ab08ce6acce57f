"""Contract 01's coercion table, and what a field declares besides its kind."""

import pytest

from app.core.errors import StageError
from app.engine.coercion import CoercionError, build_inputs, coerce
from app.engine.component import Field, Kind

ANY, STRING, INTEGER = Field(Kind.ANY), Field(Kind.STRING), Field(Kind.INTEGER)
NUMBER, BOOLEAN, EXPRESSION = Field(Kind.NUMBER), Field(Kind.BOOLEAN), Field(Kind.EXPRESSION)
OBJECT, ARRAY = Field(Kind.OBJECT), Field(Kind.ARRAY)
METHOD = Field(Kind.STRING, choices=("GET", "get it", "Post"))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (INTEGER, "5", 5),
        (INTEGER, "-5", -5),
        (INTEGER, "+5", 5),
        (INTEGER, "007", 7),
        (INTEGER, "5.0", 5),
        (INTEGER, "5e2", 500),
        (INTEGER, "9007199254740993.0", 9007199254740993),
        (INTEGER, 5.0, 5),
        (INTEGER, 5, 5),
        (NUMBER, "2.5", 2.5),
        (NUMBER, "-1e3", -1000.0),
        (NUMBER, "7", 7),
        (NUMBER, 7, 7),
        (BOOLEAN, "TRUE", True),
        (BOOLEAN, "yes", True),
        (BOOLEAN, "1", True),
        (BOOLEAN, "On", True),
        (BOOLEAN, "false", False),
        (BOOLEAN, "No", False),
        (BOOLEAN, "0", False),
        (BOOLEAN, "OFF", False),
        (OBJECT, '{"a": 1}', {"a": 1}),
        (ARRAY, "[1]", [1]),
        (METHOD, "GET", "GET"),
        (METHOD, "get", "GET"),
        (METHOD, "POST", "Post"),
        (STRING, 5, "5"),
        (STRING, 2.0, "2.0"),
        (STRING, True, "true"),
        (STRING, "", ""),
        (EXPRESSION, "item.a > 1", "item.a > 1"),
        (EXPRESSION, True, "true"),
        (EXPRESSION, 1.5, "1.5"),
        (ANY, None, None),
        (Field(Kind.ANY, required=True), None, None),
        (Field(Kind.ANY, default=3), None, None),
        (Field(Kind.INTEGER, default=3), None, 3),
        (Field(Kind.ANY), [1, "x"], [1, "x"]),
    ],
)
def test_value_takes_the_kind_of_its_field(field, value, expected):
    made = coerce(field, value)

    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (INTEGER, "5.5"),
        (INTEGER, "five"),
        (INTEGER, ""),
        (INTEGER, " 5"),
        (INTEGER, "٥"),
        (INTEGER, 5.5),
        (INTEGER, True),
        (INTEGER, "9223372036854775808"),
        (INTEGER, "1e999999999"),
        (INTEGER, "9" * 100_000),
        (INTEGER, 1e300),
        (INTEGER, [1]),
        (NUMBER, "1."),
        (NUMBER, "01"),
        (NUMBER, "+1"),
        (NUMBER, "NaN"),
        (NUMBER, "1e999"),
        (NUMBER, False),
        (BOOLEAN, 1),
        (BOOLEAN, "maybe"),
        (BOOLEAN, "y"),
        (OBJECT, "[1]"),
        (OBJECT, "{"),
        (OBJECT, "[" * 100_000),
        (OBJECT, [1]),
        (OBJECT, 1),
        (ARRAY, "{}"),
        (ARRAY, {"a": 1}),
        (ARRAY, "a,b"),
        (STRING, {"a": 1}),
        (STRING, []),
        (METHOD, "PUT"),
        (EXPRESSION, [1]),
        (Field(Kind.STRING, required=True), None),
    ],
)
def test_value_that_cannot_be_coerced_is_refused(field, value):
    with pytest.raises(CoercionError, match="^must "):
        coerce(field, value)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (Field(Kind.INTEGER, low=1, high=300), [1, 300, "7"], [0, 301, "0"]),
        (Field(Kind.NUMBER, low=0.1), [0.1, 1], [0.05, -1]),
        (Field(Kind.STRING, low=1, high=3), ["a", "abc"], ["", "abcd"]),
        (Field(Kind.ARRAY, high=2), [[], [1, 2]], [[1, 2, 3]]),
        (Field(Kind.STRING, pattern="[a-z]+"), ["ab"], ["ab1", "ab\n", ""]),
    ],
)
def test_bounds_and_pattern_hold_after_the_kind(field, good, bad):
    for value in good:
        coerce(field, value)
    for value in bad:
        with pytest.raises(CoercionError):
            coerce(field, value)


def test_refusal_says_which_bound_is_broken():
    with pytest.raises(CoercionError, match="^must be at most 300$"):
        coerce(Field(Kind.INTEGER, high=300), 301)
    with pytest.raises(CoercionError, match="^must have at least 0.5 elements$"):
        coerce(Field(Kind.ARRAY, low=0.5), [])


def test_elements_and_members_are_coerced_and_named():
    field = Field(Kind.OBJECT, items=Field(Kind.ARRAY, items=INTEGER))

    assert coerce(field, {"a": ["1", 2]}) == {"a": [1, 2]}
    with pytest.raises(CoercionError) as refused:
        coerce(field, {"a": [1], "b": [1, "x"]})
    assert refused.value.path == ("b", 1)
    with pytest.raises(CoercionError) as refused:
        coerce(field, {"a": [None]})
    assert refused.value.path == ("a", 0)


def test_value_of_the_right_kind_is_not_copied():
    value = {"a": [1, 2]}

    assert coerce(Field(Kind.OBJECT, items=Field(Kind.ARRAY, items=INTEGER)), value) is value


def test_coercion_does_not_change_what_it_was_given():
    value = ["1", "2"]

    assert coerce(Field(Kind.ARRAY, items=INTEGER), value) == [1, 2]
    assert value == ["1", "2"]


@pytest.mark.parametrize(
    ("variants", "value", "expected"),
    [
        ((STRING, INTEGER), 5, 5),
        ((STRING, INTEGER), "5", "5"),
        ((INTEGER, STRING), "5", "5"),
        ((INTEGER, BOOLEAN), "5", 5),
        ((BOOLEAN, INTEGER), "1", True),
        ((STRING, ARRAY), ["a"], ["a"]),
        ((NUMBER, STRING), 5, 5),
        ((STRING, NUMBER), True, "true"),
        ((Field(Kind.INTEGER, high=3), STRING), 5, "5"),
    ],
)
def test_union_takes_the_own_type_first_then_the_order(variants, value, expected):
    made = coerce(Field(variants=variants), value)

    assert made == expected
    assert type(made) is type(expected)


def test_union_without_a_fitting_variant_refuses():
    with pytest.raises(CoercionError):
        coerce(Field(variants=(INTEGER, BOOLEAN)), {"a": 1})
    with pytest.raises(CoercionError):
        coerce(Field(variants=(INTEGER, BOOLEAN), required=True), None)


FIELDS = {
    "url": Field(Kind.STRING, required=True),
    "timeout": Field(Kind.INTEGER, default=30, low=1),
    "headers": Field(Kind.OBJECT, default={"a": [1]}, items=STRING),
    "body": Field(Kind.ANY, default="none"),
    "data": Field(Kind.ANY, required=True),
}


def test_inputs_are_coerced_and_filled_with_defaults():
    inputs = build_inputs(FIELDS, {"url": "u", "timeout": "5", "data": None, "surplus": 1})

    assert vars(inputs) == {
        "url": "u",
        "timeout": 5,
        "headers": {"a": [1]},
        "body": "none",
        "data": None,
    }


def test_null_takes_the_default_of_an_optional_field_but_stays_in_one_of_any_kind():
    values = {"url": "u", "data": 1, "timeout": None, "headers": None, "body": None}

    inputs = build_inputs(FIELDS, values)

    assert (inputs.timeout, inputs.headers, inputs.body) == (30, {"a": [1]}, None)


def test_default_of_one_run_is_not_that_of_another():
    build_inputs(FIELDS, {"url": "u", "data": 1}).headers["a"].append(2)

    assert build_inputs(FIELDS, {"url": "u", "data": 1}).headers == {"a": [1]}


@pytest.mark.parametrize(
    ("values", "place", "message"),
    [
        ({"data": 1}, "/url", "The field url is required."),
        ({"data": 1, "url": None}, "/url", "The field url must not be null."),
        ({"url": "u"}, "/data", "The field data is required."),
        (
            {"url": "u", "data": 1, "timeout": "x"},
            "/timeout",
            "The field timeout must be an integer.",
        ),
        (
            {"url": "u", "data": 1, "headers": {"b": {}}},
            "/headers/b",
            "The field headers.b must be a string.",
        ),
    ],
)
def test_input_that_does_not_fit_fails_the_stage_by_name(values, place, message):
    with pytest.raises(StageError) as failed:
        build_inputs(FIELDS, values)

    assert (failed.value.type, failed.value.retryable) == ("VALIDATION", False)
    assert failed.value.message == message
    assert failed.value.details == {"field": place}
