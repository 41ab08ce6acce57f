"""return by itself: whether the run ends, and what it tells."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.engine.operators.leave import Return
from tests.engine.operators.running import output_of


def run(**config):
    return output_of(Return(), **config)


def test_without_a_condition_the_run_ends():
    assert run(return_value={"a": 1}, remaining=("x", "y")) == {
        "should_return": True,
        "return_value": {"a": 1},
        "message": None,
        "status": "completed",
        "remaining_stages": ["x", "y"],
    }


def test_a_false_condition_lets_the_run_go_on_and_leaves_nothing():
    output = run(condition=False, return_value=1, remaining=("x",))

    assert (output["should_return"], output["remaining_stages"]) == (False, [])


@pytest.mark.parametrize(("condition", "ends"), [("yes", True), ("0", False), (None, True)])
def test_a_condition_is_read_as_a_boolean(condition, ends):
    assert run(condition=condition)["should_return"] is ends


@pytest.mark.parametrize(
    ("expression", "ends"),
    [("input.n > vars.limit", True), ("upstream.a.ok", False), ("[]", False), ("'x'", True)],
)
def test_an_expression_decides_by_its_truth_in_place_of_the_condition(expression, ends):
    output = run(condition=not ends, condition_expression=expression)

    assert output["should_return"] is ends


def test_an_expression_that_fails_fails_the_stage():
    with pytest.raises(StageError) as failed:
        run(condition_expression="input.nope")

    assert failed.value.type == "EXPRESSION"


def test_status_and_message_are_told():
    output = run(status="failed", message="Too many errors.")

    assert (output["status"], output["message"]) == ("failed", "Too many errors.")


def test_another_status_is_refused():
    with pytest.raises(StageError) as failed:
        run(status="cancelled")

    assert failed.value.type == "VALIDATION"


def test_no_value_is_null():
    assert run()["return_value"] is None
