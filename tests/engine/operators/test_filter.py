"""filter by contract 02."""

import time

import pytest

from app.core.errors import StageError, Stopped
from app.engine.coercion import build_inputs
from app.engine.context import StageContext
from app.engine.coordinator.evaluating import Evaluator
from app.engine.coordinator.names import FrozenNames
from app.engine.operators.filter import SHORT_ARRAY, Filter
from tests.engine.coordinator.world import World
from tests.engine.pieces import document, plan, problems, stage

PEOPLE = [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 17}, {"name": "Cyd"}]


def filtered(stopped=None, **config):
    """What the filter gives, with `input.limit` 18 to be seen."""
    evaluate = Evaluator(FrozenNames({"input": {"limit": 18}}, {}))
    context = StageContext(run_id="r", stage_id="s", attempt=1, evaluate=evaluate, stopped=stopped)
    return Filter().run(context, build_inputs(Filter.fields, config))


def kept(**config):
    return filtered(filter_mode="filter_array", **config)["data"]


def test_data_that_meets_the_condition_passes_unchanged():
    done = filtered(data={"age": 20}, condition="data.age >= input.limit")

    assert done == {
        "passed": True,
        "data": {"age": 20},
        "filtered_count": 0,
        "reason": "The condition is true.",
    }


def test_data_that_fails_the_condition_becomes_null():
    done = filtered(data={"age": 2}, condition="{{ data.age >= input.limit }}")

    assert done == {
        "passed": False,
        "data": None,
        "filtered_count": 1,
        "reason": "The condition is false.",
    }


@pytest.mark.parametrize("truth", ["1", "'x'", "[0]", "{'a': null}", "true"])
def test_any_true_value_passes(truth):
    assert filtered(data=None, condition=truth)["passed"] is True


@pytest.mark.parametrize("falsehood", ["0", "0.0", "''", "[]", "{}", "null", "false"])
def test_any_false_value_does_not_pass(falsehood):
    assert filtered(data=1, condition=falsehood)["passed"] is False


@pytest.mark.parametrize(("pass_if_missing", "passed"), [(False, False), (True, True)])
@pytest.mark.parametrize("broken", ["data.nope > 1", "data + 1", "1 / 0", "item"])
def test_an_expression_error_passes_only_if_told_so(broken, pass_if_missing, passed):
    done = filtered(data={}, condition=broken, pass_if_missing=pass_if_missing)

    assert done["passed"] is passed
    assert "failed" in done["reason"]


def test_a_condition_comes_before_field_conditions():
    done = filtered(data={"a": 1}, condition="true", field_conditions={"a": 2})

    assert done["passed"] is True


def test_everything_passes_without_a_condition():
    assert filtered(data=None)["passed"] is True
    assert filtered(data=5, field_conditions={})["data"] == 5
    assert kept(data=[0, None]) == [0, None]


@pytest.mark.parametrize(
    ("wanted", "passed"),
    [
        ({"a.b": 1}, True),
        ({"a.b": 1.0, "list.0.x": "y"}, True),
        ({"a": {"c": [1, {"d": None}], "b": 1}}, True),
        ({"list.-1": {"x": "y"}}, True),
        ({"flag": True}, True),
        ({"flag": 1}, False),
        ({"one": True}, False),
        ({"a.b": "1"}, False),
        ({"a.b": 1, "one": 2}, False),
        ({"a": {"b": 1}}, False),
        ({"none": None}, True),
        ({"nope": None}, False),
        ({"a.b.c": 1}, False),
        ({"list.5": 1}, False),
    ],
)
def test_field_conditions_pass_when_all_paths_are_equal(wanted, passed):
    data = {
        "a": {"b": 1, "c": [1, {"d": None}]},
        "list": [{"x": "y"}],
        "flag": True,
        "one": 1,
        "none": None,
    }

    assert filtered(data=data, field_conditions=wanted)["passed"] is passed


def test_a_missing_field_is_passed_over_if_told_so_but_another_value_is_not():
    wanted = {"nope": 1, "a": 1}

    assert filtered(data={"a": 1}, field_conditions=wanted, pass_if_missing=True)["passed"]
    assert not filtered(data={"a": 2}, field_conditions=wanted, pass_if_missing=True)["passed"]


@pytest.mark.parametrize(
    ("config", "passed"),
    [
        ({"condition": "true"}, False),
        ({"condition": "false"}, True),
        ({"condition": "data.nope"}, True),
        ({"condition": "data.nope", "pass_if_missing": True}, False),
        ({"field_conditions": {"a": 1}}, False),
        ({}, False),
    ],
)
def test_invert_applies_last(config, passed):
    assert filtered(data={"a": 1}, invert=True, **config)["passed"] is passed


def test_array_items_are_kept_in_order_and_the_others_counted():
    done = filtered(
        data=PEOPLE, filter_mode="filter_array", condition="item.age >= input.limit or index == 2"
    )

    assert done["data"] == [PEOPLE[0]]
    assert done["filtered_count"] == 2
    assert done["passed"] is True
    assert done["reason"].startswith("1 of 3 items pass.")
    assert "item 2" in done["reason"]  # whose age is missing


def test_array_passes_only_with_something_kept():
    assert filtered(data=[1, 2], filter_mode="filter_array", condition="false")["passed"] is False
    assert filtered(data=[], filter_mode="filter_array") == {
        "passed": False,
        "data": [],
        "filtered_count": 0,
        "reason": "0 of 0 items pass.",
    }


def test_array_rules_are_those_of_single_data():
    assert kept(data=PEOPLE, condition="item.age > 0", pass_if_missing=True) == PEOPLE
    assert kept(data=PEOPLE, condition="item.age > 0", invert=True) == [PEOPLE[2]]
    assert kept(data=PEOPLE, field_conditions={"name": "Bob"}) == [PEOPLE[1]]
    assert kept(data=PEOPLE, field_conditions={"age": 36}, pass_if_missing=True) == [
        PEOPLE[0],
        PEOPLE[2],
    ]
    assert kept(data=[5, 6, 7], condition="index % 2 == 0") == [5, 7]


@pytest.mark.parametrize("data", [None, {"a": 1}, "[1]", 5])
def test_array_mode_refuses_anything_else(data):
    with pytest.raises(StageError) as refused:
        kept(data=data)

    assert refused.value.type == "VALIDATION"
    assert refused.value.details == {"field": "/data"}


def test_constant_data_that_the_mode_refuses_is_a_problem_at_save():
    wrong = stage("a", "filter", data={"a": 1}, filter_mode="FILTER_ARRAY")
    right = stage("b", "filter", data=[1], filter_mode="filter_array")
    later = stage("c", "filter", data="{{ input.x }}", filter_mode="filter_array")
    other = stage("d", "filter", data={"a": 1})

    assert problems(document(wrong, right, later, other)) == [
        ("/stages/0/config/data", "wrong-config-type")
    ]


@pytest.mark.parametrize("condition", ["data.a", "item.a > index", "{{ upstream.z.x }}"])
def test_a_condition_may_use_the_roots_of_the_modes(condition):
    raw = document(stage("z", "filter", data=1), stage("a", "filter", data=1, condition=condition))

    assert problems(raw) == []


def test_a_long_array_leaves_for_the_pool():
    def runs_inline(**config):
        return Filter().runs_inline(build_inputs(Filter.fields, config))

    long = [0] * (SHORT_ARRAY + 1)

    assert runs_inline(data=long)
    assert runs_inline(data=long[1:], filter_mode="filter_array")
    assert not runs_inline(data=long, filter_mode="filter_array")
    assert runs_inline(data=None, filter_mode="filter_array")


def test_in_a_run_a_condition_sees_upstream_and_variables():
    world = World(
        plan(
            stage("least", "variable_set", name="least", value=3),
            stage("base", "json_transform", data=True),
            stage("few", "filter", data=[1, 5, 9], filter_mode="filter_array",
                  condition="item > vars.least and upstream.base.result"),
        )
    )  # fmt: skip
    world.run()

    assert world.output("few")["data"] == [5, 9]


def stopping_after(checks):
    """A check that lets an attempt go on so many times."""
    left = iter(range(checks))

    def check():
        if next(left, None) is None:
            raise Stopped

    return check


def test_an_abandoned_filter_stops_between_items():
    with pytest.raises(Stopped):
        filtered(stopping_after(9), data=[0] * 10, filter_mode="filter_array", condition="true")


def test_an_abandoned_filter_stops_inside_of_a_long_comparison():
    rows = [[i] for i in range(99)]

    with pytest.raises(Stopped):
        filtered(stopping_after(50), data={"rows": rows}, field_conditions={"rows": rows})


def test_ten_thousand_items_take_less_than_a_second():
    items = [{"a": i, "b": "x"} for i in range(10_000)]
    start = time.process_time()

    assert len(kept(data=items, condition="item.a % 2 == 0 and item.b == 'x'")) == 5000
    assert time.process_time() - start < 1
