"""Error breakpoints: a failure that does not take effect before a person says so."""

from __future__ import annotations

import pytest

from app.engine.control import GO_ON, Breakpoints, Control
from app.engine.instance import Cancelled, Completed, Failed, Paused
from tests.engine.coordinator.halting import before, on_error, without, world_of
from tests.engine.coordinator.world import stage

BROKEN = {"fails": 9, "error": "EXECUTION"}


def held(stage_id, *path, round=0):
    """The place before the failure of a stage."""
    return before(stage_id, *path, round=round, is_failure=True)


def stands(outcome, place, type="EXECUTION"):
    """Whether the run is paused before that failure."""
    return (outcome.reason, outcome.before, outcome.error.type) == ("error", place, type)


def failing(**members):
    """A call that fails and one that needs it."""
    return world_of(
        stage("a", "work", **BROKEN | members), stage("b", "work", after=("a",), value="b")
    )


def test_a_run_halts_before_a_failure_takes_effect():
    world = failing()

    assert stands(world.go(on_error("a")), held("a"))
    assert world.told("a") == ["stage_started"]
    assert world.status("a") == "running"


def test_the_failure_takes_effect_when_the_run_goes_on():
    world = failing()

    outcome = world.resume(world.go(on_error("a")))

    assert isinstance(outcome, Failed)
    assert world.told("a") == ["stage_started", "stage_failed"]
    assert world.row("a")["completed_at"] == world.now
    assert world.calls.total() == 1


def test_a_failure_that_is_absorbed_halts_too():
    world = failing(on_error="continue")

    paused = world.go(on_error("a"))

    assert stands(paused, held("a"))
    assert world.resume(paused).output == {"value": "b"}


def test_only_the_last_attempt_halts():
    world = failing(error="CONNECTIVITY", retry={"max_attempts": 3, "initial_delay_ms": 10})

    assert stands(world.go(on_error("a")), held("a"), "RETRY_EXHAUSTED")
    assert world.row("a")["attempt"] == 3


def test_another_stage_has_no_error_breakpoint():
    assert isinstance(failing().go(on_error("b")), Failed)


def test_a_run_wide_error_breakpoint_halts_before_every_failure():
    world = world_of(
        stage("each", "foreach", items=[1], loop_stages=["w"]), stage("w", "work", **BROKEN)
    )

    first = world.go(on_error())
    second = world.resume(first)

    assert stands(first, held("w", 0))
    assert stands(second, held("each"))
    assert isinstance(world.resume(second), Failed)


def test_an_owner_is_held_back_and_its_bodies_are_final():
    world = world_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["w"], on_error="continue"),
        stage("w", "work", fails="{{ index }}", error="EXECUTION"),
        stage("end", "work", after=("each",)),
    )

    paused = world.go(on_error("each"))

    assert stands(paused, held("each"))
    assert (world.status("w", 0), world.status("w", 1)) == ("completed", "failed")
    assert isinstance(world.resume(paused), Completed)
    assert world.told("each") == ["stage_started", "stage_failed"]


def test_an_owner_out_of_time_is_held_back():
    world = world_of(
        stage("each", "foreach", items=[1], loop_stages=["w"], timeout_ms=400),
        stage("w", "work", ms=9000),
    )

    paused = world.go(on_error("each"))

    assert stands(paused, held("each"), "TIMEOUT")
    assert world.status("w", 0) == "cancelled"
    assert isinstance(world.resume(paused), Failed)


REFUSED = {
    "a stage": stage("a", value="{{ 1 / 0 }}"),
    "a call": stage("a", "work", value="{{ 1 / 0 }}"),
    "an owner": stage("a", "foreach", items="{{ 1 / 0 }}", loop_stages=["w"]),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_before_it_runs_is_held_back(what):
    world = world_of(REFUSED[what], stage("w"), stage("b", after=("a",)))

    paused = world.go(on_error("a"))

    assert stands(paused, held("a"), "EXPRESSION")
    assert isinstance(world.resume(paused), Failed)
    assert world.row("a")["attempt"] == 1


def test_an_owner_refused_by_itself_is_held_back():
    world = world_of(
        stage("a", "foreach", items=[1, 2], loop_stages=["w"], filter_expression="1 / item.x"),
        stage("w"),
    )

    paused = world.go(on_error("a"))

    assert stands(paused, held("a"), "EXPRESSION")
    assert isinstance(world.resume(paused), Failed)


def test_stages_beside_a_held_failure_end_and_none_starts():
    world = world_of(
        stage("a", "work", **BROKEN, on_error="continue"),
        stage("slow", "work", ms=50),
        stage("c", "work", after=("slow",)),
    )

    paused = world.go(on_error("a"))

    assert world.begun() == ["a", "slow"]
    assert world.status("slow") == "completed"
    assert isinstance(world.resume(paused), Completed)


def several():
    return world_of(
        stage("a", "work", **BROKEN, ms=30, on_error="continue"),
        stage("b", "work", **BROKEN, ms=10, on_error="continue"),
        stage("end", "work", after=("a", "b")),
    )


def test_of_several_failures_each_has_its_pause():
    world = several()

    first = world.go(on_error())
    second = world.resume(first)

    assert stands(first, held("a"))
    assert stands(second, held("b"))
    assert world.begun() == ["a", "b"]
    assert isinstance(world.resume(second), Completed)


def test_failures_are_released_when_no_breakpoint_holds_them_back_any_more():
    world = several()
    paused = world.go(on_error())
    world.think()

    assert isinstance(world.go(without(Control(passed=paused.before))), Completed)
    assert world.calls.total() == 3


def test_a_failure_is_released_while_others_still_run():
    world = several()
    world.asked = {2: GO_ON}

    assert isinstance(world.go(on_error()), Completed)


def test_a_held_failure_comes_before_a_breakpoint():
    control = Control(breakpoints=Breakpoints({"c": None}, on_any_error=True))
    world = world_of(
        stage("a", "work", **BROKEN, on_error="continue"),
        stage("b", "work", ms=5),
        stage("c", "work", after=("b",)),
    )

    first = world.go(control)
    second = world.resume(first)

    assert (first.before, second.before) == (held("a"), before("c"))
    assert isinstance(world.resume(second), Completed)


def test_a_failure_whose_body_is_abandoned_is_dropped():
    world = world_of(
        stage("t", "timeout", task=["a", "slow"], timeout=0.1, raise_on_timeout=False),
        stage("a", "work", **BROKEN),
        stage("slow", "work", ms=900),
        stage("end", "work", after=("t",)),
    )

    outcome = world.go(on_error("a"))

    assert isinstance(outcome, Completed)
    assert world.status("a") == "cancelled"
    assert world.told("a") == ["stage_started"]


def test_a_stopped_run_drops_its_held_failure():
    world = failing()
    world.go(on_error("a"))
    world.think()
    coordinator = world.rebuilt()

    coordinator.cancel()

    assert coordinator.turn() == ([], Cancelled())
    [record] = coordinator.drain()
    assert (record.instance.status, record.event) == ("cancelled", None)


def test_a_pause_asked_for_stands_before_the_held_failure():
    world = failing()
    world.asked = {1: Control(hold="pause", breakpoints=on_error("a").breakpoints)}

    assert stands(world.go(), held("a"))


@pytest.mark.parametrize("kind", ["a", "each"])
def test_wherever_it_is_taken_up_a_held_failure_is_held_again(kind):
    def make():
        return world_of(
            stage("each", "foreach", items=[1], loop_stages=["a"], on_error="continue"),
            stage("a", "work", **BROKEN),
            stage("beside", "work", ms=90),
            stage("end", "work", after=("each",)),
        )

    straight = make()
    paused = straight.go(on_error(kind))
    for k in range(len(straight.records)):
        world = make()
        assert world.go(on_error(kind), stop_after=k) is None
        world.now += 7

        assert world.go() == paused
        assert world.ending() == straight.ending()
        assert isinstance(world.resume(paused), Completed)
        assert world.told(kind).count("stage_failed") == 1


def test_a_failure_that_took_effect_is_not_held_by_a_later_breakpoint():
    world = world_of(
        stage("each", "foreach", items=[1], loop_stages=["a"], on_error="continue"),
        stage("a", "work", **BROKEN),
        stage("end", "work", after=("each",)),
    )
    assert world.go(stop_after=5) is None
    assert world.told("each")[-1] == "stage_failed"

    assert isinstance(world.go(on_error()), Completed)


def at_every_row(make, control):
    """Outcomes of the same run, resumed whenever it is paused and stopped after each row once."""
    straight = make()
    wanted = straight.go(control)
    while isinstance(wanted, Paused):
        wanted = straight.resume(wanted)
    for k in range(len(straight.records) + 1):
        world, dies = make(), k
        outcome = world.go(control, stop_after=dies)
        while outcome is None or isinstance(outcome, Paused):
            dies = None if outcome is None else dies
            outcome = world.go() if outcome is None else world.resume(outcome, dies)
        assert world.ending() == straight.ending(), f"after {k} records"
        yield outcome
        yield world.drive(world.rebuilt())


def test_a_failure_that_was_held_is_replayed_when_it_took_effect():
    """The failure of `first` was held until `second` had failed, and is not the run's error."""

    def make():
        return world_of(
            stage("first", "foreach", items=[1], loop_stages=["a"]),
            stage("second", "foreach", items=[1], loop_stages=["b"]),
            stage("a", "work", **BROKEN, ms=10),
            stage("b", "work", **BROKEN, ms=90),
        )

    for outcome in at_every_row(make, on_error("first")):
        assert outcome.error.stage_id == "b"


def test_a_failure_that_was_held_until_its_body_was_abandoned_is_replayed_without_effect():
    def make():
        return world_of(
            stage("race", "parallel", tasks=["each", "beside"], wait_for_all=False),
            stage("each", "foreach", items=[1], loop_stages=["a"]),
            stage("a", "work", **BROKEN),
            stage("beside", "work", ms=90),
            stage("end", "work", after=("race",), value="{{ upstream.race.results }}"),
        )

    for outcome in at_every_row(make, on_error("each")):
        assert isinstance(outcome, Completed)
