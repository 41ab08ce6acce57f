"""What a pause does to time: it does not count for limits of owners, and delays go on."""

from __future__ import annotations

import pytest

from app.engine.control import Control
from app.engine.instance import Completed, Failed, Paused
from tests.engine.coordinator.halting import PAUSE_MS, at, before, world_of
from tests.engine.coordinator.world import START, stage


def limited(*, kind="foreach", **members):
    """An owner that may take as long as three of its four calls."""
    configs = {"foreach": {"items": [1, 2, 3, 4], "loop_stages": ["w"]}, "timeout": {"task": "w"}}
    return world_of(
        stage("own", kind, config=configs[kind], **members),
        stage("w", "work", ms=100),
        stage("end", after=("own",)),
    )


def ended_at(world, stage_id, *path, round=0):
    """When a stage run became final, in ms after the start, pauses left out."""
    at = world.row(stage_id, *path, round=round)["completed_at"]
    return at - START - sum(p.until - p.since for p in world.pauses if p.until <= at)


def test_a_pause_does_not_count_for_the_limit_of_an_owner():
    world = limited(timeout_ms=1000)
    world.asked = {1: Control(hold="pause")}

    assert isinstance(world.resume(world.go()), Completed)


def test_an_owner_out_of_time_has_had_its_time_without_the_pauses():
    world = limited(timeout_ms=350)
    world.asked = {2: Control(hold="pause")}
    paused = world.go()

    outcome = world.resume(paused)

    assert isinstance(outcome, Failed)
    assert ended_at(world, "own") == 350


def test_each_of_several_pauses_is_left_out():
    world = limited(timeout_ms=350)
    outcome = world.go(at("w"))

    while isinstance(outcome, Paused):
        outcome = world.resume(outcome)

    assert len(world.pauses) == 4
    assert ended_at(world, "own") == 350


def test_a_pause_does_not_count_for_a_timeout():
    world = world_of(
        stage("t", "timeout", task=["a", "b"], timeout=1),
        stage("a", "work", ms=200),
        stage("b", "work", after=("a",), ms=300),
    )

    world.resume(world.go(at("b")))

    output = world.output("t")
    assert (output["elapsed"], output["percent_elapsed"]) == (0.5, 50.0)


def test_an_owner_that_began_after_a_pause_has_its_whole_time():
    world = world_of(
        stage("t", "timeout", task="a", timeout=1, raise_on_timeout=False),
        stage("a", "work", ms=9000),
    )
    paused = world.go(at("t"))
    world.think()
    control = Control(passed=paused.before)

    assert world.go(control, stop_after=2) is None
    world.go()

    assert world.row("t")["completed_at"] == START + PAUSE_MS + 1000
    assert world.output("t")["elapsed"] == 1.0


def test_an_owner_within_an_owner_keeps_its_time_too():
    world = world_of(
        stage("each", "foreach", items=[1], loop_stages=["t"], timeout_ms=2000),
        stage("t", "timeout", task=["a", "b"], timeout=1),
        stage("a", "work", ms=200),
        stage("b", "work", after=("a",), ms=9000),
    )

    outcome = world.resume(world.go(at("b")))

    assert outcome.error.type == "TIMEOUT"
    assert ended_at(world, "each") == 1000


def test_a_delay_of_an_owner_goes_on_during_a_pause():
    world = world_of(
        stage("r", "retry", task=["w"], initial_delay=5), stage("w", "work", fails_below_round=1)
    )
    world.asked = {1: Control(hold="pause")}
    world.resume(world.go())

    assert world.row("w", round=1)["started_at"] == START + 10 + PAUSE_MS


def test_what_a_pause_put_off_stays_so_however_often_the_run_is_taken_up():
    straight = limited(timeout_ms=350)
    straight.asked = {2: Control(hold="pause")}
    straight.resume(straight.go())

    for k in range(len(straight.records)):
        world = limited(timeout_ms=350)
        world.asked = {2: Control(hold="pause")}
        paused = world.go()
        assert paused == Paused("pause", before("w", 2))
        world.think()

        if world.go(Control(passed=paused.before), stop_after=k) is None:
            world.go()

        assert ended_at(world, "own") == 350


@pytest.mark.parametrize("more", range(1, 5))
def test_an_attempt_whose_delay_ended_in_a_pause_has_its_whole_time_after_it(more):
    retry = {"max_attempts": 2, "initial_delay_ms": 2000, "jitter": False}
    config = {"items": ["{{ context.attempt }}"], "loop_stages": ["w"]}
    world = world_of(
        stage("own", "foreach", config=config, timeout_ms=400, retry=retry),
        stage("w", "work", ms="{{ 10 if item == 1 else 9000 }}", fails_below_round=1),
    )
    world.asked = {1: Control(hold="pause")}
    paused = world.go()

    assert paused == Paused("pause", before("own"))
    if world.resume(paused, stop_after=len(world.records) + more) is None:
        world.go()

    assert ended_at(world, "own") == 10 + 400
