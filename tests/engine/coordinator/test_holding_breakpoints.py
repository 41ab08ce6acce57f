"""Breakpoints: before which stage runs a run halts, and what it does until it is paused."""

from __future__ import annotations

import pytest

from app.engine.control import GO_ON, Control
from app.engine.instance import Completed, Failed, Paused
from tests.engine.coordinator.halting import at, before, without, world_of
from tests.engine.coordinator.world import stage


def test_a_run_halts_before_the_stage_of_a_breakpoint():
    world = world_of(stage("a", "work"), stage("b", "work", after=("a",)))

    assert world.go(at("b")) == Paused("breakpoint", before("b"))
    assert world.begun() == ["a"]


def test_the_breakpoint_that_a_run_stood_at_is_not_hit_again():
    world = world_of(stage("a", "work"), stage("b", "work", after=("a",)))

    assert isinstance(world.resume(world.go(at("b"))), Completed)
    assert world.calls.total() == 2


def test_what_runs_beside_it_ends_and_nothing_overtakes():
    world = world_of(
        stage("slow", "work", ms=50),
        stage("a", "work", ms=10),
        stage("b", "work", after=("a",)),
        stage("c", "work", after=("slow",)),
    )

    assert world.go(at("b")) == Paused("breakpoint", before("b"))
    assert world.begun() == ["slow", "a"]
    assert world.status("slow") == "completed"


def test_stages_before_it_in_the_document_have_begun():
    world = world_of(stage("a", "work"), stage("b", "work"), stage("c", "work"))

    world.go(at("b"))

    assert world.begun() == ["a"]


def test_the_stage_that_a_run_stood_before_goes_first():
    world = world_of(
        stage("slow", "work", ms=50),
        stage("first", "work", after=("slow",)),
        stage("b", "work"),
        max_concurrency=2,
    )
    paused = world.go(at("b", "first"))

    again = world.resume(paused)

    assert (paused.before, again.before) == (before("b"), before("first"))
    assert world.begun() == ["slow", "b"]


def test_a_breakpoint_in_a_body_is_hit_in_every_iteration():
    world = world_of(stage("each", "foreach", items=[7, 8], loop_stages=["w"]), stage("w", "work"))
    stood = []

    outcome = world.go(at("w"))
    while isinstance(outcome, Paused):
        stood.append(outcome.before)
        outcome = world.resume(outcome)

    assert stood == [before("w", 0), before("w", 1)]


def test_a_breakpoint_in_a_body_is_hit_in_every_round():
    world = world_of(
        stage("r", "retry", task=["w"], initial_delay=0), stage("w", "work", fails_below_round=1)
    )

    paused = world.go(at("w"))
    again = world.resume(paused)

    assert (paused.before, again.before) == (before("w"), before("w", round=1))
    assert isinstance(world.resume(again), Completed)


def test_a_breakpoint_on_an_owner_halts_before_its_bodies_open():
    world = world_of(stage("each", "foreach", items=[7], loop_stages=["w"]), stage("w", "work"))

    assert world.go(at("each")) == Paused("breakpoint", before("each"))
    assert world.rows == {}


def test_a_further_attempt_is_no_start():
    retry = {"max_attempts": 3, "initial_delay_ms": 10}
    world = world_of(stage("a", "work", fails=2, retry=retry))

    assert isinstance(world.resume(world.go(at("a"))), Completed)


SKIPPED = {
    "when": {"b": {"when": "false"}},
    "upstream_skipped": {"a": {"when": "false"}, "b": {"after": ("a",)}},
    "branch": {
        "a": {"kind": "conditional", "condition": False, "true_branch_stages": ["b"]},
        "b": {},
    },
}


@pytest.mark.parametrize("reason", SKIPPED)
def test_a_stage_that_is_skipped_is_not_halted_at(reason):
    world = world_of(*(stage(id, **members) for id, members in SKIPPED[reason].items()))

    assert isinstance(world.go(at("b")), Completed)
    assert world.row("b")["skip_reason"] == reason


def test_a_stage_that_is_refused_before_it_runs_is_halted_at():
    world = world_of(stage("a", "work", when="1 / 0"))

    paused = world.go(at("a"))

    assert paused == Paused("breakpoint", before("a"))
    assert isinstance(world.resume(paused), Failed)


def test_a_condition_decides_with_what_the_stage_sees():
    world = world_of(
        stage("each", "foreach", items=[7, 8, 9], loop_stages=["w"]), stage("w", "work")
    )

    paused = world.go(at(w="item == 8"))

    assert paused == Paused("breakpoint", before("w", 1))
    assert isinstance(world.resume(paused), Completed)


def test_a_condition_that_cannot_be_evaluated_counts_as_true():
    world = world_of(stage("a", "work"))

    assert world.go(at(a="input.nope.nope")) == Paused("breakpoint", before("a"))


def test_a_cleared_breakpoint_is_not_hit():
    world = world_of(stage("a", "work"), stage("b", "work", after=("a",)))
    world.asked = {1: GO_ON}

    assert isinstance(world.go(at("b")), Completed)


def test_a_breakpoint_set_under_way_is_hit():
    world = world_of(stage("a", "work"), stage("b", "work", after=("a",)))
    world.asked = {1: at("b")}

    assert world.go() == Paused("breakpoint", before("b"))


def test_a_breakpoint_cleared_while_others_end_halts_no_longer():
    world = world_of(stage("slow", "work", ms=50), stage("b", "work"))
    world.asked = {1: GO_ON}

    assert isinstance(world.go(at("b")), Completed)


def test_a_pause_comes_before_a_breakpoint():
    world = world_of(stage("a", "work"), stage("b", "work", after=("a",)))
    world.asked = {1: Control(hold="pause", breakpoints=at("b").breakpoints)}

    assert world.go(at("b")) == Paused("pause", before("b"))


def test_a_stage_that_never_starts_any_more_halts_nothing():
    world = world_of(
        stage("a", "work", ms=20, fails=1, error="EXECUTION"),
        stage("b", "work"),
    )

    assert isinstance(world.go(at("b")), Failed)


def test_a_stage_of_an_iteration_that_is_over_halts_nothing():
    world = world_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["w", "out", "b"]),
        stage("w", "work"),
        stage("out", "break_loop", after=("w",), condition=True),
        stage("b", "work"),
        max_concurrency=1,
    )
    world.asked = {1: at("b")}

    assert isinstance(world.go(), Completed)
    assert world.row("b", 0)["skip_reason"] == "break"


def test_a_body_that_is_abandoned_halts_nothing():
    world = world_of(
        stage("t", "timeout", task=["slow", "b"], timeout=0.1, raise_on_timeout=False),
        stage("slow", "work", ms=900),
        stage("b", "work"),
        stage("c", "work"),
        max_concurrency=5,
    )

    outcome = world.go(at("b"))

    assert isinstance(outcome, Completed)
    assert world.begun() == ["t", "slow", "c"]


def test_a_breakpoint_is_looked_at_when_the_stage_has_room():
    world = world_of(stage("a", "work"), stage("b", "work"), max_concurrency=1)
    world.asked = {2: GO_ON}

    assert world.go(at("b")) == Paused("breakpoint", before("b"))
    assert world.status("a") == "completed"


def test_breakpoints_passed_stay_passed_however_often_the_run_is_taken_up():
    world = world_of(stage("a", "work", ms=50), stage("b", "work", after=("a",)))
    paused = world.go(at("a"))
    world.think()
    control = Control(passed=paused.before, breakpoints=at("a").breakpoints)
    assert world.go(control, stop_after=0) is None

    assert isinstance(world.go(), Completed)


def test_clearing_all_breakpoints_lets_a_paused_run_end():
    world = world_of(
        stage("each", "foreach", items=[1, 2, 3], loop_stages=["w"]), stage("w", "work")
    )
    paused = world.go(at("w"))
    world.think()

    assert isinstance(world.go(without(Control(passed=paused.before))), Completed)
