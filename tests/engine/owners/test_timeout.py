"""timeout: in time or not, with a fallback or without, and what it tells of the time."""

from __future__ import annotations

import pytest

from app.engine.instance import Failed
from tests.engine.coordinator.world import START, World, plan_of, stage


def run(*stages, owner=None, **config):
    """An owner `limit` of one second over these stages, and its world and outcome.

    Stages called `f...` are its fallback.
    """
    ids = [member["id"] for member in stages]
    config = {"task": [id for id in ids if not id.startswith("f")], "timeout": 1, **config}
    if spare := [id for id in ids if id.startswith("f")]:
        config["fallback_task"] = spare
    world = World(plan_of(stage("limit", "timeout", **config, **(owner or {})), *stages))
    return world, world.run()


def test_a_task_that_ends_in_time_gives_its_result():
    _, outcome = run(stage("w", "work", ms=250, value="ok"))

    assert outcome.output == {
        "success": True,
        "timed_out": False,
        "elapsed": 0.25,
        "timeout_value": 1,
        "result": {"value": "ok"},
        "warning": False,
        "percent_elapsed": 25.0,
    }


def test_the_result_is_the_last_listed_output():
    _, outcome = run(
        stage("late", "work", ms=90, value="late"), stage("early", "work", ms=5, value="early")
    )

    assert outcome.output["result"] == {"value": "early"}


def test_the_tasks_may_be_one_id_each():
    _, outcome = run(
        stage("w", "work", ms=5000), stage("f", value="f"), task="w", fallback_task="f"
    )

    assert outcome.output["result"] == {"value": "f"}


def test_the_fallback_is_not_run_when_the_task_is_in_time():
    world, _ = run(stage("w", "work", ms=20), stage("f", "work"))

    assert world.told("f") == []


def test_past_the_limit_the_task_is_cancelled_and_the_fallback_gives_the_result():
    world, outcome = run(
        stage("w", "work", ms=5000), stage("x", after=("w",)), stage("f", "work", value="spare")
    )

    assert world.status("w") == "cancelled"
    assert world.row("w")["completed_at"] - START == 1000
    assert world.told("x") == []
    output = outcome.output
    assert (output["success"], output["timed_out"], output["result"]) == (
        True,
        True,
        {"value": "spare"},
    )
    assert (output["timeout_value"], output["warning"]) == (1, True)


def test_the_fallback_has_all_the_time_it_takes():
    world, outcome = run(stage("w", "work", ms=5000), stage("f", "work", ms=20_000, value="late"))

    assert outcome.output["result"] == {"value": "late"}
    assert world.row("limit")["completed_at"] - START == 21_000


def test_past_the_limit_without_a_fallback_the_owner_fails_with_timeout():
    world, outcome = run(stage("w", "work", ms=5000))

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("TIMEOUT", "limit")
    assert outcome.error.retryable is True
    assert world.status("limit") == "failed"


def test_past_the_limit_without_raising_success_is_false():
    _, outcome = run(stage("w", "work", ms=5000), raise_on_timeout=False)

    assert outcome.output == {
        "success": False,
        "timed_out": True,
        "elapsed": 1.0,
        "timeout_value": 1,
        "result": None,
        "warning": True,
        "percent_elapsed": 100.0,
    }


def test_a_fallback_rules_whether_or_not_a_timeout_is_raised():
    for raises in (True, False):
        _, outcome = run(stage("w", "work", ms=5000), stage("f", value=1), raise_on_timeout=raises)

        assert outcome.output["success"] is True


def test_a_task_that_fails_in_time_fails_the_owner_with_its_error():
    world, outcome = run(stage("w", "work", ms=20, fails=1, error="EXECUTION"), stage("f"))

    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "w")
    assert world.told("f") == []


def test_a_fallback_that_fails_fails_the_owner_with_its_error():
    _, outcome = run(stage("w", "work", ms=5000), stage("f", error="ROUTING"))

    assert (outcome.error.type, outcome.error.stage_id) == ("ROUTING", "f")


@pytest.mark.parametrize(
    ("ms", "warn_at", "warns"),
    [
        (799, {}, False),
        (800, {}, True),
        (500, {"warn_at": 50}, True),
        (499, {"warn_at": 50}, False),
    ],
)
def test_a_warning_is_given_from_its_share_of_the_time_on(ms, warn_at, warns):
    _, outcome = run(stage("w", "work", ms=ms), **warn_at)

    assert outcome.output["warning"] is warns


def test_a_fraction_of_a_second_is_a_limit_too():
    world, _ = run(stage("w", "work", ms=5000), stage("f"), timeout="0.25")

    assert world.row("w")["completed_at"] - START == 250


def test_a_task_without_a_result_gives_null():
    _, outcome = run(stage("w", when="false"))

    assert (outcome.output["success"], outcome.output["result"]) == (True, None)


def test_owners_inside_of_the_task_are_cancelled_with_all_they_run():
    world = World(
        plan_of(
            stage("limit", "timeout", task="each", timeout=1, raise_on_timeout=False),
            stage("each", "foreach", items=[1, 2, 3], loop_stages=["again"], parallel=True),
            stage("again", "retry", task="w", initial_delay=5),
            stage("w", "work", ms="{{ 400 * item }}", fails="{{ 9 if item == 2 else 0 }}"),
            stage("z", "work", after=("limit",)),
        )
    )
    world.run()

    assert world.status("w", 0) == "completed"
    assert world.status("w", 1) == "failed"  # its owner waited for the next round
    assert world.status("w", 2) == "cancelled"
    statuses = [world.status("again", i) for i in range(3)]
    assert (world.status("each"), statuses) == (
        "cancelled",
        ["completed", "cancelled", "cancelled"],
    )
    assert world.status("z") == "completed"


def test_a_retry_of_the_stage_gives_the_task_another_limit():
    policy = {"max_attempts": 2, "initial_delay_ms": 0}
    world, outcome = run(stage("w", "work", ms=5000), owner={"retry": policy})

    assert outcome.error.type == "RETRY_EXHAUSTED"
    assert outcome.error.details["cause"]["type"] == "TIMEOUT"
    assert [world.row("w", round=r)["completed_at"] - START for r in range(2)] == [1000, 2000]


def test_a_shorter_limit_of_the_stage_itself_comes_first_and_knows_no_fallback():
    world, outcome = run(stage("w", "work", ms=5000), stage("f"), owner={"timeout_ms": 300})

    assert (outcome.error.type, outcome.error.stage_id) == ("TIMEOUT", "limit")
    assert world.told("f") == []


def test_the_limit_holds_while_the_run_is_parked():
    world = World(
        plan_of(
            stage("limit", "timeout", task="w", timeout=5, raise_on_timeout=False),
            stage("w", "work", ms=0, fails=9, retry={"max_attempts": 9, "initial_delay_ms": 3000,
                                                    "jitter": False}),
        )
    )  # fmt: skip
    outcome = world.drive(world.fresh(), park=True)
    assert outcome.wake_at == START + 3000
    world.now = outcome.wake_at

    world.drive(world.rebuilt())

    assert world.row("w")["completed_at"] - START == 5000
    assert world.output("limit")["timed_out"] is True
