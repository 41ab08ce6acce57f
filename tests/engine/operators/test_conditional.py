"""conditional by itself: which branch it takes, and what it keeps from running."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.engine.operators.conditional import Conditional
from tests.engine.operators.running import output_of

BRANCHES = {"true_branch_stages": ["a", "both"], "false_branch_stages": ["b", "both"]}


def run(**config):
    return output_of(Conditional(), **config)


@pytest.mark.parametrize("condition", [True, 1, -0.5, "x", "false", [0], {"a": None}])
def test_a_truthy_condition_takes_the_true_branch(condition):
    output = run(condition=condition)

    assert (output["branch_taken"], output["condition_result"]) == ("true", True)
    assert output["condition_value"] == condition


@pytest.mark.parametrize("condition", [False, None, 0, 0.0, "", [], {}])
def test_a_falsy_condition_takes_the_false_branch(condition):
    output = run(condition=condition)

    assert (output["branch_taken"], output["condition_result"]) == ("false", False)
    assert output["condition_value"] == condition


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("value > 10", "true"),
        ("value < 10", "false"),
        ("{{ value == 12 }}", "true"),
        ("value > vars.limit and input.vip", "true"),
        ("upstream.a.ok", "false"),
        ("[value]", "true"),
    ],
)
def test_an_expression_decides_in_place_of_the_condition(expression, taken):
    output = run(condition=12, condition_expression=expression)

    assert (output["branch_taken"], output["condition_value"]) == (taken, 12)
    assert output["condition_result"] is (taken == "true")


def test_an_expression_that_fails_fails_the_stage():
    with pytest.raises(StageError) as failed:
        run(condition=12, condition_expression="value.nope")

    assert failed.value.type == "EXPRESSION"


def test_pass_data_is_given_on():
    assert run(condition=True, pass_data={"a": [1]})["data"] == {"a": [1]}
    assert run(condition=True)["data"] is None


def test_the_output_holds_the_members_of_the_contract_and_no_others():
    assert set(run(condition=1)) == {
        "branch_taken", "condition_value", "condition_result", "data",
    }  # fmt: skip


@pytest.mark.parametrize(("condition", "closed"), [(True, {"b"}), (False, {"a"})])
def test_the_other_branch_is_closed_but_for_what_stands_in_both(condition, closed):
    assert set(Conditional().closes(BRANCHES, run(condition=condition))) == closed


def test_a_branch_may_be_empty_or_absent():
    assert set(Conditional().closes({}, run(condition=True))) == set()
    assert set(Conditional().closes({"true_branch_stages": None}, run(condition=0))) == set()


def test_a_gate_that_failed_closes_both_branches():
    assert set(Conditional().closes(BRANCHES, None)) == {"a", "b", "both"}
