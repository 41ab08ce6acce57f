"""One turn starts a bounded number of stages, so that whoever drives the run can look up."""

from __future__ import annotations

import pytest

from app.engine.coordinator.coordinator import MAX_STARTS
from app.engine.instance import Cancelled, Completed
from tests.engine.coordinator.world import HandedBack, World, plan_of, stage

ITEMS = MAX_STARTS * 2


@pytest.fixture
def begun():
    """A long loop of pure stages after its first turn."""
    items = list(range(ITEMS))
    coordinator = World(
        plan_of(stage("each", "foreach", items=items, loop_stages=["x"]), stage("x"))
    ).fresh()
    assert coordinator.turn() == ([], None)
    return coordinator


def starts(coordinator):
    return sum(record.event == "stage_started" for record in coordinator.drain())


def test_a_turn_starts_no_more_than_its_bound(begun):
    assert starts(begun) == MAX_STARTS


def test_a_turn_that_left_stages_says_that_more_is_due_now(begun):
    assert begun.has_more
    assert begun.next_timer == begun.at


def test_further_turns_start_the_rest_and_end_the_run(begun):
    outcomes = [begun.turn()[1], begun.turn()[1]]

    assert outcomes[0] is None
    assert isinstance(outcomes[1], Completed)
    assert starts(begun) == ITEMS + 1
    assert not begun.has_more


def test_a_stop_between_two_turns_hands_the_run_back(begun):
    starts(begun)
    begun.stopping = True

    assert begun.turn() == ([], HandedBack())
    assert starts(begun) == 0


def test_a_cancelled_run_has_nothing_more_to_start(begun):
    begun.cancel()

    assert not begun.has_more
    assert begun.turn() == ([], Cancelled())


def test_stages_that_wait_for_a_place_are_nothing_to_start_now():
    world = World(plan_of(stage("a", "work"), stage("b", "work"), max_concurrency=1))
    coordinator = world.fresh()

    calls, _ = coordinator.turn()

    assert len(calls) == 1
    assert not coordinator.has_more
    assert coordinator.next_timer is None


def test_a_call_behind_the_bound_is_given_in_the_next_turn():
    stages = [stage(f"s{i}", "logger", message="x") for i in range(MAX_STARTS)]
    coordinator = World(plan_of(*stages, stage("w", "work"))).fresh()

    first, _ = coordinator.turn()
    second, _ = coordinator.turn()

    assert (len(first), len(second)) == (0, 1)
