"""trycatch that repeats its try, and whose own stage has limits; what it leaves behind."""

from __future__ import annotations

from tests.engine.coordinator.world import START, stage
from tests.engine.owners.trying import fails, run, skipped


def test_a_failing_try_is_repeated_in_rounds_after_the_delay():
    world, outcome = run(
        stage("t1", value=1),
        stage("t2", "work", after=("t1",), ms=0, fails_below_round=2, value="ok"),
        stage("t3", after=("t2",)),
        stage("c"),
        max_retries=3,
        retry_delay_ms=700,
    )

    starts = [world.row("t2", round=r)["started_at"] - START for r in range(3)]
    assert starts == [0, 700, 1400]
    assert [world.status("t1", round=r) for r in range(3)] == ["completed"] * 3
    assert [skipped(world, "t3", round=r) for r in range(2)] == ["not_reached"] * 2
    assert (outcome.output["status"], skipped(world, "c")) == ("success", "not_reached")


def test_repeats_are_one_second_apart_by_default():
    world, _ = run(stage("t", "work", ms=0, fails_below_round=1), max_retries=1)

    assert world.row("t", round=1)["started_at"] - START == 1000


def test_catch_runs_once_when_all_repeats_have_failed_and_sees_the_last_error():
    world, outcome = run(
        stage("t", "work", fails=9, error="{{ 'ROUTING' if vars.n | default(0) else 'TIMEOUT' }}"),
        stage("tn", "variable_set", name="n", value=1),
        stage("c", value="{{ error.type }}"),
        max_retries=1,
        retry_delay_ms=0,
        error_scope="continue",
    )

    assert world.output("c") == {"value": "ROUTING"}
    assert outcome.output["error_type"] == "ROUTING"
    assert [row["key"].round for row in world.rows.values() if row["key"].stage_id == "c"] == [0]


def test_a_failure_that_a_try_stage_lets_pass_is_none():
    _, outcome = run(fails("t", on_error="continue"), stage("c"))

    assert outcome.output["status"] == "success"


def test_catch_and_finally_see_the_variables_that_try_wrote():
    world, _ = run(
        stage("t1", "variable_set", name="seen", value="half"),
        fails("t2", after=("t1",)),
        stage("c", value="{{ vars.seen }}"),
        stage("f", value="{{ vars.seen }}"),
        stage("end", after=("safe",), value="{{ vars.seen }}"),
        error_scope="continue",
    )

    assert [world.output(id)["value"] for id in ("c", "f", "end")] == ["half"] * 3


def test_an_owner_that_lets_the_run_go_on_gives_its_error():
    world, _ = run(
        fails("t"), stage("end", value="{{ upstream.safe.error.stage_id }}"),
        owner={"on_error": "continue"},
    )  # fmt: skip

    assert world.output("end") == {"value": "t"}


def test_a_limit_of_the_stage_ends_it_without_catch_or_finally():
    world, outcome = run(
        stage("t", "work", ms=900), stage("c"), stage("f"), owner={"timeout_ms": 200}
    )

    assert (outcome.error.type, outcome.error.stage_id) == ("TIMEOUT", "safe")
    assert (world.status("t"), world.told("c"), world.told("f")) == ("cancelled", [], [])


def test_a_retry_of_the_stage_runs_all_its_bodies_in_the_next_free_rounds():
    policy = {"max_attempts": 2, "initial_delay_ms": 0, "retry_on": ["EXECUTION"]}
    world, outcome = run(
        stage("t", "work", fails_below_round=2, error="EXECUTION"),
        stage("c"),
        stage("f"),
        max_retries=1,
        retry_delay_ms=0,
        owner={"retry": policy},
    )

    assert outcome.output["status"] == "success"
    assert [world.status("t", round=r) for r in range(3)] == ["failed", "failed", "completed"]
    assert [world.status("c", round=r) for r in range(2)] == ["completed", "skipped"]
    assert [world.status("f", round=r) for r in range(2)] == ["completed", "completed"]
