"""Forks pause, step and stop at breakpoints, and what is taken over starts nowhere."""

from __future__ import annotations

import pytest

from app.engine.control import Control
from app.engine.doubles import Doubles
from app.engine.instance import Completed, Paused
from tests.engine.coordinator.documents import ALL
from tests.engine.coordinator.forks import called, cut_after, ran
from tests.engine.coordinator.halting import HaltedWorld, at
from tests.engine.coordinator.recorded import RecordedRun
from tests.engine.coordinator.test_doubles_replay import differences, ends_alike
from tests.engine.coordinator.world import World, plan_of, stage


def halted_fork(straight: World, cut: int) -> HaltedWorld:
    doubles = Doubles(RecordedRun(straight, cut))
    return HaltedWorld(straight.plan, straight.input, doubles=doubles)


def test_breakpoint_is_not_hit_where_the_stage_is_taken_over():
    straight = ran(
        plan_of(
            stage("each", "foreach", items=[1, 2, 3], loop_stages=["x", "y"]),
            stage("x", "work", value="{{ item }}"),
            stage("y", "work", value="{{ upstream.x.value }}"),
        )
    )
    world = halted_fork(straight, cut_after(straight, "x", 1))

    paused = world.go(at("x"))

    assert isinstance(paused, Paused)
    assert paused.before.key == ("x", (2,), 0)
    assert called(world) == {("y", 1)}
    assert isinstance(world.resume(paused), Completed)


@pytest.mark.parametrize("name", ["chain", "loops", "variables", "retried_loop", "caught", "gates"])
def test_fork_that_goes_step_by_step_ends_as_its_source(name):
    straight = World(ALL[name])
    outcome = straight.run()
    world = halted_fork(straight, len(straight.ended) // 2)

    again = world.go(Control(hold="pause"))
    while isinstance(again, Paused):
        again = world.step(again)

    assert ends_alike(again, outcome)
    assert not differences(world, straight)
