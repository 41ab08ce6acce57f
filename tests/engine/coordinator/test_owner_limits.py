"""`timeout_ms` and `retry` of an owner's own stage, for every owner."""

from __future__ import annotations

import pytest

from tests.engine.coordinator.world import START, World, plan_of, stage

CONFIGS = {
    "foreach": {"items": ["{{ context.attempt }}"], "loop_stages": ["w"]},
    "trycatch": {"try_stages": ["w"], "finally_stages": []},
    "retry": {"task": "w", "max_retries": 0, "retry_on": ["ROUTING"]},
    "timeout": {"task": ["w"], "timeout": 3600},
    "parallel": {"tasks": ["w"]},
}
owners = pytest.mark.parametrize("kind", CONFIGS)
TWICE = {"max_attempts": 2, "initial_delay_ms": 50, "jitter": False}


def run(kind, work, **members):
    """An owner `own` of this kind around one call `w`."""
    own = stage("own", kind, config=CONFIGS[kind], **members)
    world = World(plan_of(own, stage("w", "work", **work), stage("end", after=("own",))))
    return world, world.run()


def place(kind, round=0):
    """Where the call is found in that round."""
    return {"path": (0,) if kind == "foreach" else (), "round": round}


def row(world, kind, round=0):
    where = place(kind, round)
    return world.row("w", *where["path"], round=where["round"])


@owners
def test_an_owner_that_takes_longer_than_it_may_is_out_of_time(kind):
    world, outcome = run(kind, {"ms": 5000}, timeout_ms=400)

    error = outcome.error
    assert (error.type, error.stage_id, error.retryable) == ("TIMEOUT", "own", True)
    assert world.status("own") == "failed"
    assert row(world, kind)["status"].value == "cancelled"
    assert row(world, kind)["completed_at"] - START == 400


@owners
def test_an_owner_that_ends_in_time_knows_nothing_of_its_limit(kind):
    world, _ = run(kind, {"ms": 300}, timeout_ms=400)

    assert world.status("own") == "completed"


@owners
def test_an_owner_out_of_time_can_let_the_run_go_on(kind):
    world, _ = run(kind, {"ms": 5000}, timeout_ms=400, on_error="continue")

    assert world.status("end") == "completed"


@owners
def test_a_failed_owner_runs_its_bodies_again_in_the_next_round(kind):
    retry = {**TWICE, "retry_on": ["EXECUTION"]}
    world, _ = run(kind, {"fails_below_round": 1, "error": "EXECUTION"}, retry=retry)

    assert [row(world, kind, r)["status"].value for r in range(2)] == ["failed", "completed"]
    assert [row(world, kind, r)["attempt"] for r in range(2)] == [1, 1]
    assert (world.status("own"), world.row("own")["attempt"]) == ("completed", 2)


@owners
def test_the_events_of_a_retried_owner_are_two_starts_and_one_end(kind):
    retry = {**TWICE, "retry_on": ["EXECUTION"]}
    world, _ = run(kind, {"fails_below_round": 1, "error": "EXECUTION"}, retry=retry)

    assert world.told("own") == ["stage_started", "stage_started", "stage_completed"]
    starts = [r for r in world.records if r.event == "stage_started"
              and r.instance.key.stage_id == "own"]  # fmt: skip
    assert "previous_error" not in starts[0].data
    assert starts[1].data["previous_error"]["type"] == "EXECUTION"


@owners
def test_an_error_that_the_policy_does_not_cover_is_final(kind):
    world, outcome = run(kind, {"fails_below_round": 9, "error": "EXECUTION"}, retry=TWICE)

    assert outcome.error.type == "EXECUTION"
    assert world.row("own")["attempt"] == 1


@owners
def test_each_attempt_of_an_owner_has_the_whole_limit(kind):
    world, outcome = run(kind, {"ms": 5000}, timeout_ms=400, retry=TWICE)

    assert outcome.error.type == "RETRY_EXHAUSTED"
    assert outcome.error.details["cause"]["type"] == "TIMEOUT"
    ends = [row(world, kind, r)["completed_at"] - START for r in range(2)]
    assert ends == [400, 850]


def test_config_is_resolved_once_for_each_attempt():
    retry = {**TWICE, "retry_on": ["EXECUTION"]}
    world, _ = run(
        "foreach",
        {"fails_below_round": 1, "error": "EXECUTION", "value": "{{ item }}"},
        retry=retry,
    )

    assert world.output("own")["results"] == [{"value": 2}]
