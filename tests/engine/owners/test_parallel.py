"""parallel: bodies at once, their results in task order, failures, the first success, the time."""

from __future__ import annotations

import pytest

from app.engine.instance import Failed
from tests.engine.coordinator.world import START, World, plan_of, stage


def run(*stages, owner=None, document=None, **config):
    """An owner `race` over these stages, a task each, and its world and outcome."""
    config = {"tasks": [member["id"] for member in stages], **config}
    race = stage("race", "parallel", config=config, **owner or {})
    world = World(plan_of(race, *stages, **document or {}))
    return world, world.run()


def ok(name, ms, **rest):
    return stage(name, "work", ms=ms, value=name, **rest)


def bad(name, ms, error="EXECUTION"):
    return stage(name, "work", ms=ms, fails=9, error=error)


def test_results_stand_in_task_order_whatever_ended_first():
    _, outcome = run(ok("a", 90), ok("b", 10), ok("c", 40))

    assert outcome.output == {
        "results": [{"value": "a"}, {"value": "b"}, {"value": "c"}],
        "success_count": 3,
        "error_count": 0,
        "total_count": 3,
        "errors": None,
        "execution_time": 0.09,
    }


def test_tasks_run_at_once():
    world, _ = run(ok("a", 30), ok("b", 30), ok("c", 30))

    assert {world.row(id)["started_at"] for id in "abc"} == {START}


def test_no_more_run_at_once_than_the_pipeline_allows():
    world, outcome = run(*(ok(f"t{i}", 10) for i in range(5)), document={"max_concurrency": 2})

    assert world.most_at_once == 2
    assert outcome.output["success_count"] == 5


def test_a_task_of_several_stages_is_a_body_with_its_own_dependencies():
    world, outcome = run(
        stage("a", "work", value="a"),
        stage("b", "work", value="b"),
        stage("c", value="{{ upstream.b.value }}"),
        tasks=["a", ["b", "c"]],
    )

    assert outcome.output["results"] == [{"value": "a"}, {"value": "b"}]


def test_without_tasks_it_completes_at_once():
    _, outcome = run()

    assert (outcome.output["results"], outcome.output["total_count"]) == ([], 0)


def test_a_task_that_is_skipped_is_a_success_without_a_result():
    _, outcome = run(ok("a", 5), stage("b", when="false"))

    assert outcome.output["results"] == [{"value": "a"}, None]
    assert (outcome.output["success_count"], outcome.output["error_count"]) == (2, 0)


def test_the_first_failure_cancels_the_others_and_fails_the_stage():
    world, outcome = run(ok("a", 500), bad("b", 20), ok("c", 5))

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "b")
    assert [world.status(id) for id in "abc"] == ["cancelled", "failed", "completed"]
    assert world.row("a")["completed_at"] - START == 20


def test_with_continue_a_failed_task_has_the_result_null():
    _, outcome = run(ok("a", 50), bad("b", 20), ok("c", 5), on_error="continue")

    output = outcome.output
    assert output["results"] == [{"value": "a"}, None, {"value": "c"}]
    assert (output["success_count"], output["error_count"], output["total_count"]) == (2, 1, 3)
    [error] = output["errors"]
    assert (error["type"], error["stage_id"]) == ("EXECUTION", "b")


def test_with_continue_and_exceptions_a_failed_task_has_its_error_as_result():
    _, outcome = run(ok("a", 5), bad("b", 20), on_error="continue", return_exceptions=True)

    first, second = outcome.output["results"]
    assert first == {"value": "a"}
    assert second["error"]["type"] == "EXECUTION"


def test_with_continue_all_may_fail():
    _, outcome = run(bad("a", 5), bad("b", 9), on_error="continue")

    assert outcome.output["results"] == [None, None]
    assert (outcome.output["success_count"], outcome.output["error_count"]) == (0, 2)


def test_a_failure_within_a_task_leaves_the_other_tasks_alone():
    world, outcome = run(
        bad("a", 5),
        ok("b", 50, after=("a",)),
        ok("c", 60),
        tasks=[["a", "b"], "c"],
        on_error="continue",
    )

    assert world.told("b") == []
    assert outcome.output["results"] == [None, {"value": "c"}]


def test_the_first_success_is_enough_and_cancels_the_others():
    world, outcome = run(ok("a", 500), ok("b", 20), ok("c", 300), wait_for_all=False)

    output = outcome.output
    assert output["results"] == [None, {"value": "b"}, None]
    assert (output["success_count"], output["error_count"], output["total_count"]) == (1, 0, 3)
    assert [world.status(id) for id in "abc"] == ["cancelled", "completed", "cancelled"]
    assert output["execution_time"] == 0.02


def test_a_failure_before_the_first_success_is_passed_over_with_continue():
    _, outcome = run(bad("a", 5), ok("b", 20), ok("c", 90), wait_for_all=False, on_error="continue")

    assert outcome.output["results"] == [None, {"value": "b"}, None]
    assert (outcome.output["success_count"], outcome.output["error_count"]) == (1, 1)


def test_a_failure_before_the_first_success_fails_the_stage_with_fail_fast():
    _, outcome = run(bad("a", 5), ok("b", 20), wait_for_all=False)

    assert outcome.error.stage_id == "a"


def test_past_the_time_the_stage_fails_with_timeout_and_its_tasks_are_cancelled():
    world, outcome = run(ok("a", 200), ok("b", 9000), timeout=1)

    assert (outcome.error.type, outcome.error.stage_id) == ("TIMEOUT", "race")
    assert [world.status(id) for id in "ab"] == ["completed", "cancelled"]
    assert world.row("race")["completed_at"] - START == 1000


def test_past_the_time_with_continue_the_late_tasks_have_failed():
    _, outcome = run(
        ok("a", 200), ok("b", 9000), timeout=1, on_error="continue", return_exceptions=True
    )

    first, second = outcome.output["results"]
    assert (first, second["error"]["type"]) == ({"value": "a"}, "TIMEOUT")
    assert (outcome.output["success_count"], outcome.output["error_count"]) == (1, 1)


def test_a_task_that_ends_in_time_is_not_told_late():
    _, outcome = run(ok("a", 200), timeout=1)

    assert outcome.output["success_count"] == 1


def test_tasks_see_their_own_variables_and_what_they_wrote_is_applied_in_task_order():
    world, _ = run(
        stage("w1", "work", ms=50),
        stage("one", "variable_set", name="v", value="{{ vars.v | default('') }}1"),
        stage("see", after=("w1",), value="{{ vars.v }}"),
        stage("two", "variable_set", name="v", value="{{ vars.v | default('') }}2"),
        stage("end", after=("race",), value="{{ vars.v }}"),
        tasks=[["w1", "one", "see"], ["two"]],
    )

    assert world.output("see") == {"value": "1"}
    assert world.output("two")["value"] == "2"
    assert world.output("end") == {"value": "2"}


def test_a_cancelled_task_leaves_no_variable():
    world, _ = run(
        ok("a", 5),
        stage("set", "variable_set", name="v", value="lost"),
        ok("b", 500, after=("set",)),
        stage("end", after=("race",), value="{{ vars.v | default('none') }}"),
        tasks=["a", ["set", "b"]],
        wait_for_all=False,
    )

    assert world.output("end") == {"value": "none"}


def test_loops_at_once_keep_their_items_apart():
    world, outcome = run(
        stage("l1", "foreach", items=[1, 2], loop_stages=["x1"]),
        stage("x1", "work", value="{{ item }}"),
        stage("l2", "foreach", items=["a", "b"], loop_stages=["x2"]),
        stage("x2", "work", value="{{ item }}"),
        tasks=["l1", "l2"],
    )

    results = [result["results"] for result in outcome.output["results"]]
    assert results == [[{"value": 1}, {"value": 2}], [{"value": "a"}, {"value": "b"}]]


@pytest.mark.parametrize(
    "limit", [{"timeout_ms": 100}, {"timeout_ms": 100, "on_error": "continue"}]
)
def test_a_limit_of_the_stage_cancels_all_tasks(limit):
    world, _ = run(ok("a", 20), ok("b", 500), owner=limit, on_error="continue")

    assert [world.status(id) for id in "ab"] == ["completed", "cancelled"]
    assert world.row("race")["status"].value == "failed"


def test_a_retry_of_the_stage_runs_all_tasks_again_in_the_next_round():
    policy = {"max_attempts": 2, "initial_delay_ms": 0, "retry_on": ["EXECUTION"]}
    world, outcome = run(
        ok("a", 5),
        stage("b", "work", ms=9, fails_below_round=1, error="EXECUTION", value="b"),
        owner={"retry": policy},
    )

    assert outcome.output["success_count"] == 2
    assert [world.status(id, round=r) for id in "ab" for r in range(2)] == [
        "completed", "completed", "failed", "completed",
    ]  # fmt: skip
