"""trycatch: try, catch, finally; which errors are caught, what is seen, and how the stage ends."""

from __future__ import annotations

import pytest

from app.engine.instance import Failed
from tests.engine.coordinator.world import START, stage
from tests.engine.owners.trying import fails, run, skipped


def test_a_try_that_completes_is_a_success_and_catch_is_not_reached():
    world, outcome = run(
        stage("t", value=1), stage("c"), stage("f", value=3), pass_data={"id": "{{ 7 }}"}
    )

    assert outcome.output == {
        "status": "success",
        "error_occurred": False,
        "error_message": None,
        "error_type": None,
        "recovered": False,
        "try_result": {"value": 1},
        "catch_result": None,
        "data": {"id": 7},
    }
    assert (skipped(world, "c"), world.status("f")) == ("not_reached", "completed")


def test_a_caught_error_is_recovered_with_scope_continue():
    world, outcome = run(fails("t"), stage("c", value="healed"), stage("f"), error_scope="continue")

    assert outcome.output == {
        "status": "caught",
        "error_occurred": True,
        "error_message": "it broke",
        "error_type": "EXECUTION",
        "recovered": True,
        "try_result": None,
        "catch_result": {"value": "healed"},
        "data": None,
    }
    assert [world.status(id) for id in ("t", "c", "f", "safe")] == [
        "failed", "completed", "completed", "completed",
    ]  # fmt: skip


def test_a_caught_error_fails_the_stage_after_catch_and_finally_with_scope_propagate():
    world, outcome = run(fails("t", "ROUTING"), stage("c"), stage("f"))

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("ROUTING", "t")
    assert [world.status(id) for id in ("c", "f", "safe")] == ["completed", "completed", "failed"]
    assert world.ended[-1] == world.row("safe")["id"]


def test_without_catch_stages_scope_continue_recovers_too():
    _, outcome = run(fails("t"), error_scope="continue")

    assert (outcome.output["status"], outcome.output["catch_result"]) == ("caught", None)


def test_finally_runs_after_catch_and_that_after_try():
    world, _ = run(
        fails("t", ms=30), stage("c", "work", ms=20), stage("f", "work"), error_scope="continue"
    )

    assert [world.row(id)["started_at"] - START for id in "tcf"] == [0, 30, 50]


def test_try_stages_that_were_not_reached_are_skipped():
    world, _ = run(
        stage("t1", value=1), fails("t2", after=("t1",)), stage("t3", after=("t2",)),
        stage("t4", after=("t3",)), error_scope="continue",
    )  # fmt: skip

    assert [skipped(world, id) for id in ("t3", "t4")] == ["not_reached", "not_reached"]
    assert world.told("t3") == ["stage_skipped"]


def test_what_runs_beside_a_failure_in_try_finishes_before_catch():
    world, _ = run(
        fails("t1", ms=5), stage("t2", "work", ms=50), stage("c"), error_scope="continue"
    )

    assert world.status("t2") == "completed"
    assert world.row("c")["started_at"] - START == 50


def test_the_try_result_is_the_last_listed_stage_that_completed():
    _, outcome = run(
        stage("t1", value=1), stage("t2", value=2), fails("t3", after=("t2",)),
        error_scope="continue",
    )  # fmt: skip

    assert outcome.output["try_result"] == {"value": 2}


def test_catch_and_finally_see_the_error():
    world, _ = run(
        fails("t", "ROUTING"),
        stage("c", value="{{ error }}"),
        stage("f", value="{{ error.type }}"),
        error_scope="continue",
    )

    assert world.output("c")["value"] == {
        "type": "ROUTING", "message": "it broke", "stage_id": "t", "retryable": False,
        "details": {},
    }  # fmt: skip
    assert world.output("f") == {"value": "ROUTING"}


def test_finally_sees_null_when_nothing_failed():
    world, _ = run(stage("t"), stage("f", value="{{ error }}"))

    assert world.output("f") == {"value": None}


def test_the_error_is_seen_at_any_depth_of_catch():
    world, _ = run(
        fails("t"),
        stage("c", "foreach", items=[1], loop_stages=["x"]),
        stage("x", value="{{ error.stage_id }}"),
        error_scope="continue",
    )

    assert world.output("x", 0) == {"value": "t"}


def test_an_inner_catch_hides_the_outer_error():
    world, _ = run(
        fails("t", "ROUTING"),
        stage("c", "trycatch", try_stages=["a"], catch_stages=["b"], error_scope="continue"),
        fails("a", "SECURITY"),
        stage("b", value="{{ error.type }}"),
        error_scope="continue",
    )

    assert world.output("b") == {"value": "SECURITY"}


@pytest.mark.parametrize(
    ("types", "catches"),
    [([], True), (["EXECUTION"], True), (["TIMEOUT", "EXECUTION"], True), (["TIMEOUT"], False)],
)
def test_only_the_listed_types_are_caught(types, catches):
    world, outcome = run(fails("t"), stage("c"), catch_error_types=types, error_scope="continue")

    assert world.told("c")[-1] == ("stage_completed" if catches else "stage_skipped")
    assert isinstance(outcome, Failed) is not catches


def test_an_error_is_caught_by_the_type_of_its_cause():
    _, outcome = run(
        stage("t", "work", fails=9, retry={"max_attempts": 2, "initial_delay_ms": 0}),
        stage("c"),
        catch_error_types=["CONNECTIVITY"],
        error_scope="continue",
    )

    assert outcome.output["error_type"] == "RETRY_EXHAUSTED"


def test_an_error_that_is_not_caught_fails_the_stage_after_finally():
    world, outcome = run(
        fails("t"),
        stage("c"),
        stage("f", value="{{ error.type }}"),
        catch_error_types=["TIMEOUT"],
        error_scope="continue",
    )

    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "t")
    assert skipped(world, "c") == "not_reached"
    assert world.output("f") == {"value": "EXECUTION"}


@pytest.mark.parametrize("scope", ["continue", "propagate"])
def test_an_error_in_catch_fails_the_stage_after_finally(scope):
    world, outcome = run(
        fails("t"), fails("c1", "ROUTING"), stage("c2", after=("c1",)), stage("f"),
        error_scope=scope,
    )  # fmt: skip

    assert (outcome.error.type, outcome.error.stage_id) == ("ROUTING", "c1")
    assert world.status("f") == "completed"
    assert world.status("safe") == "failed"


@pytest.mark.parametrize("broken", [True, False])
def test_an_error_in_finally_always_fails_the_stage(broken):
    first = fails("t") if broken else stage("t")
    _, outcome = run(first, stage("c"), fails("f", "SECURITY"), error_scope="continue")

    assert (outcome.error.type, outcome.error.stage_id) == ("SECURITY", "f")
