"""A run is stopped after every row it writes, and goes on elsewhere as if nothing had been."""

from __future__ import annotations

import copy
import random

import pytest

from app.core.states import StageStatus
from app.engine.instance import Parked
from tests.engine.coordinator.documents import ALL
from tests.engine.coordinator.world import World

documents = pytest.mark.parametrize("name", ALL)


@pytest.fixture(scope="module")
def whole():
    """Each document's run without a crash."""
    worlds = {}
    for name, plan in ALL.items():
        world = World(plan)
        worlds[name] = world, world.run()
    return worlds


@documents
def test_stopped_after_any_row_the_run_ends_as_it_would_have(name, whole):
    straight, outcome = whole[name]

    for k in range(len(straight.records)):
        world = World(ALL[name])
        assert world.drive(world.fresh(), stop_after=k) is None
        crashed = world.calls.copy(), world.rows.copy()
        world.now += 12
        again = world.drive(world.rebuilt())

        assert again == outcome or _same(again, outcome), f"after {k} records"
        assert world.ending() == straight.ending(), f"after {k} records"
        ended = {r["key"] for r in crashed[1].values() if r["completed_at"] is not None}
        assert all(world.calls[key] == crashed[0][key] for key in ended), "called again"


def _same(one, other):
    """Equal outcomes, whatever ids the rows have."""
    return type(one) is type(other) and (
        getattr(one, "output", None) == getattr(other, "output", None)
        and getattr(one, "error", None) == getattr(other, "error", None)
    )


@documents
def test_crashes_in_a_row_and_parkings_change_nothing(name, whole):
    straight, outcome = whole[name]
    dice = random.Random(name)

    for _ in range(25):
        world, again, crashes = World(ALL[name]), None, 0
        while again is None or isinstance(again, Parked):
            world.now += dice.randint(0, 20)
            stop = len(world.records) + dice.randint(0, 30) if crashes < 6 else None
            again = world.drive(world.rebuilt(), stop, park=dice.random() < 0.5)
            crashes += 1
            if isinstance(again, Parked):
                world.now = again.wake_at

        assert _same(again, outcome)
        assert world.ending() == straight.ending()


@documents
def test_a_finished_run_is_rebuilt_without_a_new_record_or_call(name, whole):
    straight, outcome = whole[name]
    world = copy.deepcopy(straight)
    calls = world.calls.copy()

    coordinator = world.rebuilt()
    _, again = coordinator.turn()

    assert _same(again, outcome)
    assert coordinator.drain() == []
    assert world.calls == calls


@documents
def test_no_row_is_left_open_when_a_run_ends(name, whole):
    straight, _ = whole[name]

    statuses = {row["status"] for row in straight.rows.values()}

    assert not statuses & {StageStatus.RUNNING, StageStatus.PENDING}


def test_a_finished_loop_is_rebuilt_without_reading_an_output():
    world = World(ALL["tolerant_loop"])
    world.run()

    world.rebuilt()

    assert world.loads == [world.row("each")["id"]]  # the run's output, nothing else


def test_another_worker_keeps_the_deadline_of_a_limit():
    world = World(ALL["limits"])
    world.drive(world.fresh(), stop_after=4)
    world.now += 60_000

    world.drive(world.rebuilt())

    assert world.row("s2")["status"] is StageStatus.CANCELLED
    assert world.output("end") == {"value": [{"value": "fallback"}, True]}
