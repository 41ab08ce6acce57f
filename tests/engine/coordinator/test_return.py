"""return: the run ends at once, from anywhere, with a value or as failed."""

from __future__ import annotations

import pytest

from app.engine.instance import Completed, Failed
from tests.engine.coordinator.returning import leave, left, run
from tests.engine.coordinator.world import START, stage


def test_the_value_is_the_output_of_the_run():
    _, outcome = run(stage("a", value=1), leave(after=("a",), return_value="{{ upstream.a }}"))

    assert outcome == Completed({"value": 1})


@pytest.mark.parametrize("value", [{}, {"return_value": None}])
def test_without_a_value_the_output_is_null(value):
    _, outcome = run(stage("a", value=1), leave(after=("a",), **value))

    assert outcome == Completed(None)


def test_it_rules_over_the_output_stage():
    _, outcome = run(
        stage("a", value=1), leave(after=("a",), return_value="early"), output_stage_id="a"
    )

    assert outcome.output == "early"


def test_stages_that_had_not_begun_are_skipped_and_told():
    world, _ = run(
        leave(), stage("b", after=("out",)), stage("c", after=("b",)), stage("d", "work")
    )

    assert [world.row(name)["skip_reason"] for name in "bcd"] == ["return"] * 3
    assert [world.told(name) for name in "bcd"] == [["stage_skipped"]] * 3
    assert world.status("out") == "completed"


def test_what_remains_is_told_in_document_order():
    world, _ = run(
        stage("z", after=("out",)),
        stage("w", "work"),
        leave(),
        stage("b"),
        stage("a", after=("z",)),
    )

    assert left(world) == ["z", "b", "a"]


def test_what_is_under_way_is_cancelled():
    world, outcome = run(
        stage("slow", "work", ms=5000),
        stage("quick", "work", ms=20),
        leave(after=("quick",), return_value=1),
        stage("next", "work", after=("slow",)),
    )

    assert outcome.output == 1
    assert (world.status("slow"), world.row("slow")["completed_at"]) == ("cancelled", START + 20)
    assert world.row("next")["skip_reason"] == "return"


def test_a_stage_that_waits_for_its_next_attempt_is_cancelled():
    world, _ = run(
        stage("w", "work", ms=5, fails=9, retry={"max_attempts": 5, "initial_delay_ms": 5000}),
        stage("quick", "work", ms=20),
        leave(after=("quick",)),
    )

    assert world.status("w") == "cancelled"


def test_when_it_does_not_fire_the_run_goes_on():
    world, outcome = run(
        leave(condition="{{ input.stop }}", return_value="early"),
        stage("b", after=("out",), value=2),
        input={"stop": False},
    )

    assert outcome.output == {"value": 2}
    assert world.output("out")["remaining_stages"] == []


def test_an_expression_sees_what_its_when_would_see():
    _, outcome = run(
        stage("a", value=7),
        stage("v", "variable_set", name="limit", value=5),
        leave(condition_expression="upstream.a.value > vars.limit", return_value="over"),
        stage("z", after=("out",)),
    )

    assert outcome.output == "over"


def test_a_skipped_return_ends_nothing():
    _, outcome = run(stage("out", "return", when="false", return_value=1), stage("b", value=2))

    assert outcome.output == {"value": 2}


# Failed.


def test_status_failed_fails_the_run_with_the_message():
    world, outcome = run(
        leave(status="failed", message="Stock is {{ input.stock }}."), stage("b", after=("out",)),
        input={"stock": 0},
    )  # fmt: skip

    assert isinstance(outcome, Failed)
    error = outcome.error
    assert (error.type, error.message, error.stage_id) == ("CONTROL_FLOW", "Stock is 0.", "out")
    assert error.retryable is False
    assert (world.status("out"), world.row("b")["skip_reason"]) == ("completed", "return")


def test_a_failed_return_gives_no_output_to_check():
    _, outcome = run(
        leave(status="failed", message="no", return_value="x"), output_schema={"type": "object"}
    )

    assert outcome.error.type == "CONTROL_FLOW"


def test_a_failed_return_is_not_caught_by_what_is_around_it():
    world, outcome = run(
        stage("safe", "trycatch", try_stages=["out"], catch_stages=["c"], finally_stages=["f"],
              error_scope="continue", on_error="continue"),
        leave(status="failed", message="no"),
        stage("c"),
        stage("f"),
        stage("end", after=("safe",)),
    )  # fmt: skip

    assert outcome.error.type == "CONTROL_FLOW"
    assert (world.told("c"), world.told("f")) == ([], [])
    assert world.status("safe") == "cancelled"
    assert world.row("end")["skip_reason"] == "return"


# The schema.

NUMBERS = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def test_a_value_that_fits_the_schema_completes_the_run():
    _, outcome = run(leave(return_value={"n": 1}), output_schema=NUMBERS)

    assert outcome == Completed({"n": 1})


@pytest.mark.parametrize(("value", "pointers"), [({"n": "x"}, ["/n"]), ({}, ["/n"]), (None, [""])])
def test_a_value_against_the_schema_fails_the_run(value, pointers):
    _, outcome = run(leave(return_value=value), output_schema=NUMBERS)

    assert outcome.error.type == "VALIDATION"
    assert list(outcome.error.details["errors"]) == pointers
