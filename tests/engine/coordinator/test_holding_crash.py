"""Halted anywhere and taken up anywhere, a run ends as it would have by itself."""

from __future__ import annotations

import pytest

from app.engine.control import Breakpoints, Control
from app.engine.instance import Paused
from tests.engine.coordinator.documents import ALL
from tests.engine.coordinator.halting import HaltedWorld
from tests.engine.coordinator.test_crash import _same
from tests.engine.coordinator.world import World

PAUSE, ENTRY = Control(hold="pause"), Control(hold="entry")
WORK = 600  #: rows that all runs of a test write together, more or less

#: In these it matters which of two stages ends first, and halting has a part in that.
RACES = {"failing", "tolerant_loop", "own_limits", "losers", "returning", "races"}

documents = pytest.mark.parametrize("name", ALL)
calm_documents = pytest.mark.parametrize("name", [name for name in ALL if name not in RACES])


def everywhere(plan):
    """A control that halts before everything that can be halted before."""
    return Control(breakpoints=Breakpoints(dict.fromkeys(plan.stages), on_any_error=True))


def some(world, most):
    """After how many records a run is stopped, of all numbers: spread evenly."""
    count = len(world.records)
    return range(count // 3, count, max(1, count // min(most, max(1, WORK // count))))


def to_its_end(world, control, go_on, stop_after=None):
    """The outcome of a run that goes on by `go_on` whenever it is paused.

    It is stopped once, after so many records in all, and taken up again.
    """
    outcome, kept = world.go(control, stop_after), stop_after
    while outcome is None or isinstance(outcome, Paused):
        if outcome is None:
            world.now += 12
            kept = None
            outcome = world.go()
        else:
            outcome = go_on(outcome, stop_after=kept)
    return outcome


@documents
def test_a_run_stopped_anywhere_between_its_breakpoints_ends_as_without_that(name):
    plan = ALL[name]
    straight = HaltedWorld(plan)
    outcome = to_its_end(straight, everywhere(plan), straight.resume)

    for k in some(straight, 8):
        world = HaltedWorld(plan)
        again = to_its_end(world, everywhere(plan), world.resume, k)

        assert _same(again, outcome), f"after {k} records"
        assert world.ending() == straight.ending(), f"after {k} records"


@documents
def test_a_run_stopped_anywhere_between_its_steps_ends_as_without_that(name):
    plan = ALL[name]
    straight = HaltedWorld(plan)
    outcome = to_its_end(straight, ENTRY, straight.step)

    for k in some(straight, 8):
        world = HaltedWorld(plan)
        again = to_its_end(world, ENTRY, world.step, k)

        assert _same(again, outcome), f"after {k} records"
        assert world.ending() == straight.ending(), f"after {k} records"


@calm_documents
def test_a_run_paused_after_any_row_ends_as_it_would_have(name):
    straight = World(ALL[name])
    outcome = straight.run()

    for k in some(straight, 100):
        world = HaltedWorld(ALL[name])
        assert world.drive(world.fresh(), stop_after=k) is None
        again = to_its_end(world, PAUSE, world.resume)

        assert _same(again, outcome), f"after {k} records"
        assert world.ending() == straight.ending(), f"after {k} records"


@calm_documents
def test_step_by_step_a_run_ends_as_it_would_have(name):
    straight = World(ALL[name])
    outcome = straight.run()
    world = HaltedWorld(ALL[name])

    assert _same(to_its_end(world, ENTRY, world.step), outcome)
    assert world.ending() == straight.ending()


@documents
def test_each_step_starts_one_stage_at_most(name):
    world = HaltedWorld(ALL[name])

    outcome = world.go(ENTRY)
    while isinstance(outcome, Paused):
        known = len(world.rows)
        outcome = world.step(outcome)
        begun = [row for row in [*world.rows.values()][known:] if row["started_at"] is not None]

        assert len(begun) <= 1
