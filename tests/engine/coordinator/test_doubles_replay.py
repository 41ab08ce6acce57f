"""A run forks from another one after any of its rows, and comes to the same end."""

from __future__ import annotations

import pytest

from app.core.states import StageStatus
from app.engine.doubles import Doubles
from tests.engine.coordinator.documents import ALL
from tests.engine.coordinator.recorded import RecordedRun
from tests.engine.coordinator.world import World

documents = pytest.mark.parametrize("name", ALL)

#: Owners of these look at `context.attempt`, so that another attempt has other inputs.
OTHERWISE = {"refused_at_first", "refused_between"}
#: Why stages are skipped that had begun in the source beside what ended their body.
PASSED_BY = {"break", "continue", "not_reached", "return"}


@pytest.fixture(scope="module")
def whole():
    """Each document's run, not forked."""
    worlds = {}
    for name, plan in ALL.items():
        world = World(plan)
        worlds[name] = world, world.run()
    return worlds


def fork_of(world, cut=None):
    source = RecordedRun(world, cut)
    return source, World(world.plan, world.input, doubles=Doubles(source))


@documents
def test_forked_after_any_row_the_run_ends_as_its_source(name, whole):
    straight, outcome = whole[name]

    for cut in some(len(straight.ended)):
        _, world = fork_of(straight, cut)

        again = world.run()

        assert ends_alike(again, outcome), f"cut after {cut}"
        assert not differences(world, straight), f"cut after {cut}"


@pytest.mark.parametrize("name", [name for name in ALL if name not in OTHERWISE])
def test_nothing_that_was_finished_executes_again(name, whole):
    straight, _ = whole[name]

    for cut in some(len(straight.ended)):
        source, world = fork_of(straight, cut)

        world.run()

        finished = {row.key for row in source.rows if source.taken(row.key)}
        assert not finished & world.calls.keys(), f"cut after {cut}"
        reused = {key for key in finished & world.keys.keys() if is_reused(world, key)}
        assert reused == finished & world.keys.keys(), f"cut after {cut}"


@documents
def test_fork_that_is_stopped_after_any_row_ends_as_if_it_had_not_been(name, whole):
    straight, _ = whole[name]
    rows = len(straight.ended)

    for cut in {rows // 3, 2 * rows // 3, rows}:
        source, undisturbed = fork_of(straight, cut)
        outcome = undisturbed.run()
        for k in some(len(undisturbed.records) - 1):
            world = World(straight.plan, straight.input, doubles=Doubles(source))
            assert world.drive(world.fresh(), stop_after=k) is None
            again = world.drive(world.rebuilt())

            assert ends_alike(again, outcome), f"cut after {cut}, {k} records"
            assert world.ending() == undisturbed.ending(), f"cut after {cut}, {k} records"
            assert world.calls.keys() == undisturbed.calls.keys()


@documents
def test_fork_of_a_fork_ends_as_its_source(name, whole):
    straight, outcome = whole[name]
    rows = len(straight.ended)

    for cut in {rows // 4, rows // 2, 3 * rows // 4}:
        _, first = fork_of(straight, cut)
        first.run()
        for later in {cut // 2, cut, len(first.ended)}:
            _, second = fork_of(first, later)

            assert ends_alike(second.run(), outcome), f"cut after {cut}, then {later}"


def some(most):
    """From 0 to `most`, all of a short way and about sixty of a long one."""
    return sorted({*range(0, most, 1 + most // 60), most})


def is_reused(world, key):
    return world.rows[world.keys[key]]["reused"]


def ends_alike(one, other):
    return type(one) is type(other) and (
        getattr(one, "output", None) == getattr(other, "output", None)
        and getattr(one, "error", None) == getattr(other, "error", None)
    )


def differences(world, straight):
    """Rows that ended otherwise than in the source, although they need not."""
    old, new = straight.ending(), world.ending()
    return {
        key: (old.get(key), new.get(key))
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key) and not may_differ(old.get(key), new.get(key))
    }


def may_differ(old, new):
    """Whether only time decides: what ran beside the end of its body, and was abandoned or not."""
    ends = {one[0] for one in (old, new) if one is not None}
    passed_by = any(one is not None and one[1] in PASSED_BY for one in (old, new))
    return StageStatus.CANCELLED in ends or passed_by or None in (old, new)
