"""A step: one stage and nothing else."""

from __future__ import annotations

from app.engine.control import Control
from app.engine.instance import Completed, Failed, Paused
from tests.engine.coordinator.halting import at, before, on_error, world_of
from tests.engine.coordinator.world import stage

ENTRY = Control(hold="entry")
LATE = {"max_attempts": 3, "initial_delay_ms": 5000, "jitter": False}


def test_a_step_runs_exactly_the_stage_that_the_run_stood_before():
    world = world_of(stage("a", "work"), stage("b", "work"), stage("c", "work", after=("a",)))

    outcome = world.step(world.go(ENTRY))

    assert outcome == Paused("step", before("b"))
    assert world.begun() == ["a"]


def test_step_by_step_a_run_comes_to_its_end():
    world = world_of(stage("a"), stage("b", "work", when="false"), stage("c", "work"))
    outcome = world.go(ENTRY)

    for begun in range(3):
        assert len(world.begun()) == begun
        outcome = world.step(outcome)

    assert isinstance(outcome, Completed)


def test_a_step_that_ends_the_run_ends_it():
    world = world_of(stage("a", "work", fails=1, error="EXECUTION"), stage("b", "work"))

    assert isinstance(world.step(world.go(ENTRY)), Failed)


def test_a_step_into_an_owner_ends_before_its_first_stage():
    world = world_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["w", "v"]),
        stage("w", "work"),
        stage("v", "work", after=("w",)),
    )

    outcome = world.step(world.go(ENTRY))

    assert outcome == Paused("step", before("w", 0))
    assert world.begun() == ["each"]


def test_a_step_over_an_owner_without_work_ends_it():
    world = world_of(
        stage("each", "foreach", items=[], loop_stages=["w"]), stage("w"), stage("b", "work")
    )

    assert world.step(world.go(ENTRY)) == Paused("step", before("b"))
    assert world.status("each") == "completed"


def test_the_last_step_in_a_body_ends_its_owner():
    world = world_of(
        stage("each", "foreach", items=[1], loop_stages=["w"]),
        stage("w", "work"),
        stage("b", "work", after=("each",)),
    )

    outcome = world.step(world.step(world.go(ENTRY)))

    assert outcome == Paused("step", before("b"))
    assert world.status("each") == "completed"


def test_a_stage_that_fails_meanwhile_is_tried_again_until_the_step_is_done():
    world = world_of(stage("a", "work", fails=2, retry=LATE), stage("b", "work"))

    outcome = world.step(world.go(ENTRY))

    assert outcome == Paused("step", before("b"))
    assert (world.status("a"), world.row("a")["attempt"]) == ("completed", 3)


def test_a_step_of_a_stage_between_attempts_waits_for_its_delay():
    world = world_of(stage("a", "work", fails=1, retry=LATE), stage("b", "work", after=("a",)))
    world.asked = {1: Control(hold="pause")}

    outcome = world.step(world.go())

    assert outcome == Paused("step", before("b"))
    assert world.status("a") == "completed"


def test_a_stepped_owner_that_is_refused_is_tried_again_until_it_has_begun():
    items = "{{ [1] if context.attempt > 1 else 5 }}"
    retry = {**LATE, "retry_on": ["VALIDATION"]}
    world = world_of(
        stage("each", "foreach", items=items, loop_stages=["w"], retry=retry), stage("w", "work")
    )

    outcome = world.step(world.go(ENTRY))

    assert outcome == Paused("step", before("w", 0))
    assert world.row("each")["attempt"] == 2


def test_other_delays_end_during_a_step_without_a_start():
    world = world_of(
        stage("late", "work", fails=1, retry={**LATE, "initial_delay_ms": 100}),
        stage("a", "work", ms=5),
        stage("b", "work", after=("a",), ms=500),
    )
    world.asked = {1: Control(hold="pause")}
    paused = world.go()
    world.think(1)

    outcome = world.go(Control(only=paused.before))

    assert paused.before == before("b")
    assert outcome == Paused("step", before("late"))
    assert world.row("late")["attempt"] == 1


def test_a_step_does_not_halt_at_the_breakpoint_that_it_starts_from():
    world = world_of(stage("a", "work"), stage("b", "work"))

    assert world.step(world.go(at("a", "b"))) == Paused("step", before("b"))


def test_a_place_that_is_gone_is_stepped_over_at_once():
    world = world_of(stage("a", "work"), stage("b", "work", after=("a",)))
    world.go(at("b"))
    world.think()

    assert world.go(Control(only=before("a"))) == Paused("step", before("b"))
    assert world.begun() == ["a"]


def test_a_step_is_done_once_however_often_the_run_is_taken_up():
    for stop_after in range(4):
        world = world_of(stage("a", "work"), stage("b", "work"))
        paused = world.go(ENTRY)

        outcome = world.step(paused, stop_after=stop_after)
        if outcome is None:
            outcome = world.go()

        assert outcome == Paused("step", before("b"))
        assert world.status("a") == "completed"


def test_a_step_before_a_failure_lets_it_take_effect():
    world = world_of(
        stage("a", "work", fails=1, error="EXECUTION", on_error="continue"),
        stage("b", "work", after=("a",)),
    )

    outcome = world.step(world.go(on_error("a")))

    assert outcome == Paused("step", before("b"))
    assert world.told("a") == ["stage_started", "stage_failed"]


def test_a_stepped_stage_that_fails_is_held_back_by_an_error_breakpoint():
    world = world_of(stage("a", "work", fails=1, error="EXECUTION"), stage("b", "work"))
    paused = world.go(ENTRY)
    world.think()

    outcome = world.go(Control(only=paused.before, breakpoints=on_error("a").breakpoints))

    assert (outcome.reason, outcome.before) == ("error", before("a", is_failure=True))
