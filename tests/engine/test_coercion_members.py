"""Fields that say which members their objects have."""

import pytest

from app.core.errors import StageError
from app.engine.coercion import CoercionError, build_inputs, coerce
from app.engine.component import Field, Kind

STRING = Field(Kind.STRING)

LINE = Field(
    Kind.OBJECT,
    members={
        "sku": Field(Kind.STRING, required=True),
        "count": Field(Kind.INTEGER, default=1, low=1),
        "note": Field(Kind.ANY),
        "extra": Field(Kind.ANY, required=True),
        "tags": Field(Kind.ARRAY, default=[], items=STRING),
    },
)


def test_members_are_coerced_and_absent_ones_take_their_default():
    assert coerce(LINE, {"count": "3", "sku": 7, "extra": None}) == {
        "sku": "7",
        "count": 3,
        "note": None,
        "extra": None,
        "tags": [],
    }


def test_null_members_are_null_of_any_kind_and_the_default_of_another_optional_one():
    made = coerce(LINE, {"sku": "a", "extra": 1, "count": None, "note": None, "tags": None})

    assert (made["count"], made["note"], made["tags"]) == (1, None, [])


def test_members_of_the_text_of_an_object_are_looked_at_too():
    assert coerce(LINE, '{"sku": "a", "extra": 1}')["count"] == 1


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ({"extra": 1}, ("sku",), "is required"),
        ({"sku": "a"}, ("extra",), "is required"),
        ({"sku": None, "extra": 1}, ("sku",), "must not be null"),
        ({"sku": "a", "extra": 1, "count": 0}, ("count",), "must be at least 1"),
        ({"sku": "a", "extra": 1, "tags": ["x", {}]}, ("tags", 1), "must be a string"),
        ({"sku": "a", "extra": 1, "colour": "red"}, ("colour",), "is not a member here"),
    ],
)
def test_member_that_does_not_fit_is_named(value, path, message):
    with pytest.raises(CoercionError) as refused:
        coerce(LINE, value)

    assert (refused.value.path, refused.value.message) == (path, message)


def test_members_of_elements_are_named_with_their_place():
    with pytest.raises(CoercionError) as refused:
        coerce(Field(Kind.ARRAY, items=LINE), [{"sku": "a", "extra": 1}, {"sku": "b"}])

    assert refused.value.path == (1, "extra")


def test_default_of_a_member_is_not_that_of_another_object():
    coerce(LINE, {"sku": "a", "extra": 1})["tags"].append("mine")

    assert coerce(LINE, {"sku": "a", "extra": 1})["tags"] == []


def test_coercion_of_members_does_not_change_what_it_was_given():
    given = {"sku": "a", "extra": 1, "count": "2"}

    coerce(LINE, given)

    assert given == {"sku": "a", "extra": 1, "count": "2"}


def test_member_that_does_not_fit_fails_the_stage_by_name():
    with pytest.raises(StageError) as failed:
        build_inputs({"lines": Field(Kind.ARRAY, items=LINE)}, {"lines": [{"sku": "a"}]})

    assert failed.value.message == "The field lines.0.extra is required."
    assert failed.value.details == {"field": "/lines/0/extra"}
