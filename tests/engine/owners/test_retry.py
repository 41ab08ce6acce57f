"""retry: rounds, delays, which errors are retried, and how it gives up."""

from __future__ import annotations

import pytest

from app.engine.instance import Failed
from tests.engine.coordinator.world import START, World, plan_of, stage


def run(*stages, owner=None, input=None, **config):
    """An owner `again` over these stages, and its world and outcome."""
    config = {"task": [member["id"] for member in stages], **config}
    world = World(plan_of(stage("again", "retry", **config, **(owner or {})), *stages), input)
    return world, world.run()


def starts(world, stage_id):
    """When a stage began, from the start of the run, in ms."""
    return [
        record.at - START
        for record in world.records
        if record.event == "stage_started" and record.instance.key.stage_id == stage_id
    ]


def test_a_task_that_completes_is_not_run_again():
    world, outcome = run(stage("w", "work", value="ok"))

    assert outcome.output == {
        "success": True,
        "result": {"value": "ok"},
        "attempts": 1,
        "errors": [],
        "exhausted": False,
    }
    assert starts(world, "w") == [0]


def test_a_failing_task_is_run_again_and_each_run_is_a_round():
    world, outcome = run(stage("w", "work", fails_below_round=2, value="ok"))

    assert [world.status("w", round=r) for r in range(3)] == ["failed", "failed", "completed"]
    assert [world.row("w", round=r)["attempt"] for r in range(3)] == [1, 1, 1]
    assert (outcome.output["attempts"], outcome.output["errors"]) == (3, ["it broke", "it broke"])


def test_the_whole_body_is_run_again():
    world, _ = run(stage("a", value=1), stage("w", "work", after=("a",), fails_below_round=1))

    assert [world.status("a", round=r) for r in range(2)] == ["completed", "completed"]


def test_the_result_is_the_last_listed_output_whatever_ended_last():
    _, outcome = run(
        stage("slow", "work", ms=50, value="slow"), stage("quick", "work", ms=5, value="quick")
    )

    assert outcome.output["result"] == {"value": "quick"}


def test_a_skipped_last_stage_leaves_the_result_to_the_one_listed_before():
    _, outcome = run(stage("a", value="a"), stage("b", when="false"))

    assert outcome.output["result"] == {"value": "a"}


def test_the_task_may_be_one_id():
    _, outcome = run(stage("w", value=3), task="w")

    assert outcome.output["result"] == {"value": 3}


def test_delays_grow_by_the_multiplier_up_to_the_longest_and_have_no_jitter():
    world, _ = run(
        stage("w", "work", ms=0, fails_below_round=4),
        max_retries=4,
        initial_delay=0.5,
        backoff_multiplier=3,
        max_delay=2,
    )

    assert starts(world, "w") == [0, 500, 2000, 4000, 6000]


def test_three_retries_after_one_second_doubled_are_the_default():
    world, outcome = run(stage("w", "work", ms=0, fails_below_round=9))

    assert starts(world, "w") == [0, 1000, 3000, 7000]
    assert outcome.error.details["attempts"] == 4


def test_the_delay_counts_from_the_end_of_the_failed_run():
    world, _ = run(stage("w", "work", ms=300, fails_below_round=1), initial_delay=1)

    assert starts(world, "w") == [0, 1300]


def test_used_up_retries_fail_the_owner_with_the_last_error_as_cause():
    world, outcome = run(
        stage("w", "work", fails_below_round=9, error="ROUTING"), max_retries=1, initial_delay=0
    )

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("RETRY_EXHAUSTED", "again")
    assert outcome.error.retryable is False
    assert outcome.error.details["attempts"] == 2
    cause = outcome.error.details["cause"]
    assert (cause["type"], cause["stage_id"]) == ("ROUTING", "w")
    assert world.status("again") == "failed"


def test_no_retries_at_all_are_used_up_at_the_first_failure():
    world, outcome = run(stage("w", "work", fails_below_round=9), max_retries=0)

    assert (outcome.error.type, outcome.error.details["attempts"]) == ("RETRY_EXHAUSTED", 1)
    assert starts(world, "w") == [0]


@pytest.mark.parametrize(
    ("error", "rounds"), [("ROUTING", 2), ("CONNECTIVITY", 1), ("EXECUTION", 1)]
)
def test_only_the_listed_types_are_retried(error, rounds):
    world, _ = run(
        stage("w", "work", fails_below_round=9, error=error),
        retry_on=["ROUTING"],
        max_retries=1,
        initial_delay=0,
    )

    assert len(starts(world, "w")) == rounds


def test_an_error_that_is_not_retried_fails_the_owner_as_it_is():
    world, outcome = run(stage("w", error="EXECUTION"), retry_on=["TIMEOUT"])

    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "w")
    assert world.status("again") == "failed"


@pytest.mark.parametrize("error", ["EXECUTION", "VALIDATION", "SECURITY"])
def test_without_a_list_every_type_is_retried(error):
    _, outcome = run(stage("w", "work", fails_below_round=1, error=error), initial_delay=0)

    assert outcome.output["attempts"] == 2


def test_a_failure_that_a_stage_lets_pass_is_no_failure_of_the_task():
    _, outcome = run(
        stage("w", error="EXECUTION", on_error="continue"),
        stage("b", value="{{ upstream.w.error.type }}"),
    )

    assert (outcome.output["attempts"], outcome.output["result"]) == (1, {"value": "EXECUTION"})


def test_what_runs_beside_a_failure_is_finished_before_the_next_round():
    world, _ = run(
        stage("bad", "work", ms=5, fails_below_round=1, error="EXECUTION"),
        stage("beside", "work", ms=80),
        initial_delay=0,
    )

    assert world.status("beside", round=0) == "completed"
    assert starts(world, "bad") == [0, 80]


def test_a_later_round_begins_with_fresh_outputs():
    world, _ = run(
        stage("a", value="{{ vars.seen | default('first') }}"),
        stage("set", "variable_set", name="seen", value="again"),
        stage("w", "work", after=("a", "set"), fails_below_round=1, value="{{ upstream.a.value }}"),
        initial_delay=0,
    )

    assert world.output("w", round=1) == {"value": "again"}


def test_rounds_go_on_counting_in_an_inner_body_that_is_repeated_by_an_outer_one():
    plan = plan_of(
        stage("outer", "retry", task=["inner", "late"], initial_delay=0, max_retries=1),
        stage("inner", "retry", task="w", initial_delay=0, max_retries=1),
        stage("w", "work", fails_below_round="{{ 1 }}", value="ok"),
        stage("late", "work", after=("inner",), fails_below_round=1),
    )
    world = World(plan)
    world.run()

    rounds = {row["key"].round: row["status"].value for row in world.rows.values()
              if row["key"].stage_id == "w"}  # fmt: skip
    assert rounds == {0: "failed", 1: "completed", 2: "completed"}
    assert [world.status("inner", round=r) for r in range(2)] == ["completed", "completed"]


def test_every_round_calls_under_a_key_of_its_own():
    world, _ = run(stage("w", "work", fails_below_round=2), initial_delay=0)

    assert {key.round: calls for key, calls in world.calls.items()} == {0: 1, 1: 1, 2: 1}


def test_used_up_attempts_of_a_stage_are_one_failure_of_the_task():
    policy = {"max_attempts": 2, "initial_delay_ms": 0}
    _, outcome = run(stage("w", "work", fails=9, retry=policy), max_retries=1, initial_delay=0)

    cause = outcome.error.details["cause"]
    assert (cause["type"], cause["details"]["cause"]["type"]) == ("RETRY_EXHAUSTED", "CONNECTIVITY")


def test_a_limit_of_the_stage_bounds_all_rounds_together():
    world, outcome = run(
        stage("w", "work", ms=400, fails_below_round=9),
        initial_delay=0.1,
        owner={"timeout_ms": 700},
    )

    assert (outcome.error.type, outcome.error.stage_id) == ("TIMEOUT", "again")
    assert outcome.error.retryable
    assert [world.status("w", round=r) for r in range(2)] == ["failed", "cancelled"]
    assert world.row("again")["completed_at"] - START == 700


def test_a_retry_of_the_stage_itself_takes_the_next_free_rounds():
    policy = {"max_attempts": 2, "initial_delay_ms": 0, "retry_on": ["RETRY_EXHAUSTED"]}
    world, outcome = run(
        stage("w", "work", fails_below_round=2, value="ok"),
        max_retries=1,
        initial_delay=0,
        owner={"retry": policy},
    )

    assert [world.status("w", round=r) for r in range(3)] == ["failed", "failed", "completed"]
    assert (world.row("again")["attempt"], outcome.output["attempts"]) == (2, 1)


@pytest.mark.parametrize("delay", [0.5, 1.0])
def test_a_run_that_only_waits_a_second_or_more_for_the_next_round_parks(delay):
    world = World(
        plan_of(
            stage("again", "retry", task="w", initial_delay=delay),
            stage("w", "work", ms=0, fails_below_round=1),
        )
    )

    outcome = world.drive(world.fresh(), park=True)

    assert (type(outcome).__name__ == "Parked") is (delay >= 1)
