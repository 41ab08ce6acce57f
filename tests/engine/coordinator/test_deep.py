"""Owners nested in each other as deep as a document allows: nothing calls itself."""

from __future__ import annotations

import pytest

from app.engine.instance import Completed, Failed
from app.engine.validation.checks import MAX_STAGES
from tests.engine.coordinator.world import World, plan_of, stage

DEEP = 300


def nested(depth, **work):
    """Owners of every kind, each the only stage of the one before it, around one call.

    Every fifth is a loop that gives no results, so that outputs do not nest as well.
    """
    kinds = (
        lambda inner: ("foreach", {"items": [1], "loop_stages": [inner], "collect_results": False}),
        lambda inner: ("retry", {"task": inner, "max_retries": 1, "retry_on": ["ROUTING"]}),
        lambda inner: ("trycatch", {"try_stages": [inner]}),
        lambda inner: ("timeout", {"task": [inner], "timeout": 3600}),
        lambda inner: ("parallel", {"tasks": [inner]}),
    )
    stages = [stage("leaf", "work", **work)]
    for level in reversed(range(depth)):
        kind, config = kinds[level % len(kinds)](stages[-1]["id"])
        stages.append(stage(f"o{level}", kind, **config))
    return list(reversed(stages))


@pytest.fixture(scope="module")
def deep():
    """The plan of 300 owners, and its run without a crash."""
    plan = plan_of(*nested(DEEP))
    world = World(plan)
    return plan, world, world.run()


def test_deeply_nested_owners_run(deep):
    _, world, outcome = deep

    assert isinstance(outcome, Completed)
    assert {row["status"].value for row in world.rows.values()} == {"completed"}


@pytest.mark.parametrize("rows", [1, 2, DEEP // 2, DEEP, DEEP + 1, DEEP + 2, DEEP * 3 // 2])
def test_deeply_nested_owners_are_rebuilt_after_a_crash(deep, rows):
    plan, straight, outcome = deep
    world = World(plan)
    world.drive(world.fresh(), stop_after=rows)

    again = world.drive(world.rebuilt())

    assert again.output == outcome.output
    assert {key: end[0] for key, end in world.ending().items()} == {
        key: end[0] for key, end in straight.ending().items()
    }


def limited(depth):
    """The same below a limit that its call exceeds."""
    outer = stage("limit", "timeout", task="o0", timeout=1, raise_on_timeout=False)
    return plan_of(outer, *nested(depth, ms=5000))


def test_deeply_nested_owners_are_cancelled_by_a_timeout():
    world = World(limited(DEEP))
    outcome = world.run()

    assert outcome.output["timed_out"] is True
    statuses = [row["status"].value for row in world.rows.values()]
    assert statuses.count("cancelled") == DEEP + 1


def test_deeply_nested_owners_are_cancelled_by_a_timeout_that_another_worker_keeps():
    world = World(limited(DEEP))
    world.drive(world.fresh(), stop_after=DEEP + 2)
    world.now += 4000

    outcome = world.drive(world.rebuilt())

    assert outcome.output["timed_out"] is True


def test_a_failure_rises_through_deeply_nested_owners():
    world = World(plan_of(*nested(DEEP, fails=1, error="EXECUTION")))
    outcome = world.run()

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "leaf")


def test_a_document_that_is_nothing_but_nesting_runs_and_is_rebuilt():
    plan = plan_of(*nested(MAX_STAGES - 1))
    world = World(plan)
    world.drive(world.fresh(), stop_after=MAX_STAGES)

    outcome = world.drive(world.rebuilt())

    assert isinstance(outcome, Completed)
