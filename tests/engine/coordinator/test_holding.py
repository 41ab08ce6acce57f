"""A run that is to pause: what still happens, and where it then stands."""

from __future__ import annotations

import pytest

from app.engine.control import GO_ON, NOWHERE, Control
from app.engine.instance import Completed, Failed, Finished, HandedBack, Parked, Paused
from tests.engine.coordinator.halting import before, world_of
from tests.engine.coordinator.world import stage

PAUSE = Control(hold="pause")
LATE = {"max_attempts": 2, "initial_delay_ms": 5000, "jitter": False}


def chain(**document):
    """Three calls, one after the other."""
    return world_of(
        stage("a", "work", value=1),
        stage("b", "work", after=("a",), value=2),
        stage("c", "work", after=("b",), value=3),
        **document,
    )


def test_a_run_that_is_to_pause_finishes_what_runs_and_starts_nothing():
    world = chain()
    world.asked = {1: PAUSE}

    outcome = world.go()

    assert outcome == Paused("pause", before("b"))
    assert world.begun() == ["a"]
    assert world.status("a") == "completed"


def test_a_paused_run_goes_on_where_it_stood():
    world = chain()
    world.asked = {1: PAUSE}

    outcome = world.resume(world.go())

    assert outcome.output == {"value": 3}
    assert world.begun() == ["a", "b", "c"]


def test_a_pause_that_is_withdrawn_leaves_no_trace():
    world = chain()
    world.asked = {1: PAUSE, 2: GO_ON}

    assert isinstance(world.go(), Completed)
    assert world.begun() == ["a", "b", "c"]


def test_a_run_paused_at_its_entry_has_begun_nothing():
    world = chain()

    outcome = world.go(Control(hold="entry"))

    assert outcome == Paused("entry", before("a"))
    assert world.rows == {}


def test_a_run_paused_at_its_entry_goes_on_from_its_first_stage():
    world = chain()

    assert isinstance(world.resume(world.go(Control(hold="entry"))), Completed)


def test_a_run_that_has_ended_by_itself_ends_whatever_was_asked():
    world = world_of(stage("a", "work", fails=1, error="EXECUTION"))
    world.asked = {1: PAUSE}

    assert isinstance(world.go(), Failed)


def test_a_retry_delay_is_not_waited_for():
    world = world_of(stage("a", "work", fails=1, retry=LATE), stage("b", "work", after=("a",)))
    world.asked = {1: PAUSE}

    outcome = world.go()

    assert outcome == Paused("pause", before("a"))
    assert world.status("a") == "pending"


def test_a_retry_delay_goes_on_during_a_pause():
    world = world_of(stage("a", "work", fails=1, retry=LATE), stage("b", "work", after=("a",)))
    world.asked = {1: PAUSE}
    paused = world.go()
    stood = world.now

    world.resume(paused)

    assert world.row("a")["completed_at"] == stood + 40_000 + 10


def test_of_several_delays_the_run_stands_before_the_one_that_ends_first():
    soon = {**LATE, "initial_delay_ms": 2000}
    world = world_of(
        stage("late", "work", fails=1, retry=LATE), stage("soon", "work", fails=1, retry=soon)
    )
    world.asked = {1: PAUSE}

    assert world.go() == Paused("pause", before("soon"))


def test_a_ready_stage_comes_before_one_that_tries_again():
    world = world_of(stage("a", "work", fails=1, retry=LATE), stage("b"), max_concurrency=1)
    world.asked = {1: PAUSE}

    assert world.go() == Paused("pause", before("b"))


def test_a_delay_of_an_owner_is_not_waited_for():
    world = world_of(
        stage("r", "retry", task=["w"], initial_delay=5), stage("w", "work", fails_below_round=1)
    )
    world.asked = {1: PAUSE}

    assert world.go() == Paused("pause", None)


def test_a_run_that_stood_before_nothing_goes_on():
    world = world_of(
        stage("r", "retry", task=["w"], initial_delay=5), stage("w", "work", fails_below_round=1)
    )
    world.asked = {1: PAUSE}

    assert isinstance(world.resume(world.go()), Completed)


def test_a_step_from_nothing_ends_once_a_stage_is_ready():
    world = world_of(
        stage("r", "retry", task=["w"], initial_delay=5), stage("w", "work", fails_below_round=1)
    )
    world.asked = {1: PAUSE}

    outcome = world.step(world.go())

    assert world.control.only == NOWHERE
    assert outcome == Paused("step", before("w", round=1))
    assert world.calls.total() == 1


def test_the_limit_of_an_owner_may_run_out_while_calls_finish():
    world = world_of(
        stage("t", "timeout", task="slow", timeout=0.1, raise_on_timeout=False),
        stage("slow", "work", ms=9000),
        stage("b", "work", ms=500),
        stage("c", "work", after=("t", "b")),
    )
    world.asked = {1: PAUSE}

    assert world.go() == Paused("pause", before("c"))
    assert world.status("t") == "completed"


def test_a_run_does_not_stand_before_what_was_abandoned_in_the_queue():
    world = world_of(
        stage("t", "timeout", task=["slow", "x"], timeout=0.1, raise_on_timeout=False),
        stage("slow", "work", ms=9000),
        stage("x", "work"),
        stage("c", "work", after=("t",)),
        max_concurrency=1,
    )
    world.asked = {1: PAUSE}

    assert world.go() == Paused("pause", before("c"))


def test_what_is_skipped_is_so_only_when_the_run_goes_on():
    world = world_of(stage("a", "work"), stage("b", "work", after=("a",), when="false"))
    world.asked = {1: PAUSE}

    assert world.go() == Paused("pause", before("b"))
    assert world.told("b") == []


def test_a_worker_that_stops_pauses_a_run_that_is_to_pause():
    coordinator = chain().fresh()
    coordinator.stopping = True
    coordinator.obey(PAUSE)

    assert coordinator.turn() == ([], Paused("pause", before("a")))


def test_a_worker_that_stops_hands_back_a_run_whose_breakpoint_is_not_reached():
    coordinator = chain().fresh()
    coordinator.stopping = True
    coordinator.obey(Control(only=before("a")))

    assert coordinator.turn() == ([], HandedBack())


def test_a_call_that_a_lost_worker_had_begun_is_finished_first():
    world = chain()
    assert world.go(stop_after=1) is None

    assert world.go(PAUSE) == Paused("pause", before("b"))
    assert world.row("a")["attempt"] == 2


def test_a_worker_that_stops_hands_back_a_run_in_which_a_call_is_unfinished():
    world = chain()
    assert world.go(stop_after=1) is None
    coordinator = world.rebuilt()
    coordinator.stopping = True
    coordinator.obey(PAUSE)

    assert coordinator.turn() == ([], HandedBack())


def test_a_child_that_is_awaited_ends_before_its_parent_pauses():
    world = world_of(
        stage("sub", "subpipeline", config={"pipeline_id": "pl-2"}), stage("b", after=("sub",))
    )
    parent = world.fresh()
    parent.turn()
    for record in parent.drain():
        world.write(record)
    coordinator = world.rebuilt()
    coordinator.obey(PAUSE)

    [call], outcome = coordinator.turn()
    assert outcome is None
    coordinator.wait_for(call, None)
    assert coordinator.turn() == ([], Parked(None, call.run_id))
    coordinator.take(Finished(call.key, call.attempt, {"run_id": call.run_id}))

    assert coordinator.turn() == ([], Paused("pause", before("b")))


def test_standing_tells_the_stages_outside_bodies():
    world = world_of(
        stage("z", "work", after=("each",)),
        stage("each", "foreach", items=[1, 2], loop_stages=["w"]),
        stage("off", when="false"),
        stage("a", "work"),
        stage("w", "work"),
        max_concurrency=1,
    )
    world.asked = {2: PAUSE}
    world.go()

    standing = world.rebuilt().standing()

    assert standing.completed == ["a"]
    assert standing.pending == ["z", "each"]


@pytest.mark.parametrize("waits", range(1, 4))
def test_a_run_paused_after_any_call_ends_as_it_would_have(waits):
    world = chain(max_concurrency=1)
    world.asked = {waits: PAUSE}
    outcome = world.go()

    while isinstance(outcome, Paused):
        outcome = world.resume(outcome)

    assert outcome.output == {"value": 3}
    assert set(world.calls.values()) == {1}
