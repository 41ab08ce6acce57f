"""Attempts, delays, parking and what a recovery counts."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.core.states import StageStatus
from app.engine.instance import Failed, Finished, Parked
from tests.engine.coordinator.world import START, World, plan_of, stage

EXACT = {"jitter": False, "initial_delay_ms": 100}


def work(retry, **rest):
    return stage("w", "work", ms=0, retry={**EXACT, **retry}, **rest)


def starts(world):
    return [record.at - START for record in world.records if record.event == "stage_started"]


def run(*stages):
    world = World(plan_of(*stages))
    return world, world.run()


def test_delays_grow_by_the_multiplier_up_to_the_longest():
    world, _ = run(work({"max_attempts": 5, "multiplier": 3, "max_delay_ms": 500}, fails=4))

    assert starts(world) == [0, 100, 400, 900, 1400]


def test_each_later_attempt_tells_the_error_before():
    world, _ = run(work({"max_attempts": 2}, fails=1))

    second = [record for record in world.records if record.event == "stage_started"][1]
    assert second.data["previous_error"]["type"] == "CONNECTIVITY"
    assert world.row("w")["attempt"] == 2


def test_a_stage_between_attempts_is_a_pending_row_with_its_time():
    world, _ = run(work({"max_attempts": 2}, fails=1))

    waiting = world.records[1].instance
    assert (waiting.status, waiting.wake_at) == (StageStatus.PENDING, START + 100)
    assert world.records[1].event is None


def test_all_attempts_used_is_retry_exhausted_with_its_cause():
    _, outcome = run(work({"max_attempts": 3}, fails=9))

    assert outcome.error.type == "RETRY_EXHAUSTED"
    assert outcome.error.details["attempts"] == 3
    assert outcome.error.details["cause"]["type"] == "CONNECTIVITY"


def test_an_exhausted_owner_names_itself_and_its_cause_names_the_stage_that_failed():
    _, outcome = run(
        stage("each", "foreach", items=[1], loop_stages=["w"], retry={"max_attempts": 2, **EXACT}),
        stage("w", "work", fails=9),
    )

    assert outcome.error.stage_id == "each"
    assert outcome.error.details["cause"]["stage_id"] == "w"


def test_a_single_attempt_keeps_the_type_of_its_error():
    _, outcome = run(work({"max_attempts": 1}, fails=9))

    assert outcome.error.type == "CONNECTIVITY"


def test_an_error_that_is_not_retryable_is_final():
    world, outcome = run(work({"max_attempts": 3}, fails=9, error="ROUTING"))

    assert outcome.error.type == "ROUTING"
    assert world.row("w")["attempt"] == 1


@pytest.mark.parametrize(("type", "attempts"), [("ROUTING", 3), ("CONNECTIVITY", 1)])
def test_retry_on_alone_says_what_is_retried(type, attempts):
    world, _ = run(work({"max_attempts": 3, "retry_on": ["ROUTING"]}, fails=9, error=type))

    assert world.row("w")["attempt"] == attempts


@pytest.mark.parametrize(("asked", "waited"), [(50, 100), (250, 250), (9000, 300)])
def test_a_longer_retry_after_is_respected_up_to_the_longest_delay(asked, waited):
    world, _ = run(work({"max_attempts": 2, "max_delay_ms": 300}, fails=1, retry_after_ms=asked))

    assert starts(world) == [0, waited]


def test_jitter_varies_by_a_quarter_and_is_the_same_every_time():
    stages = [stage(f"w{i}", "work", ms=0, fails=1, retry={"max_attempts": 2}) for i in range(50)]
    first, _ = run(
        *stages,
    )
    second, _ = run(*stages)

    delays = {at for at in starts(first) if at}
    assert len(delays) > 25
    assert all(750 <= delay <= 1250 for delay in delays)
    assert starts(first) == starts(second)


def test_a_timeout_is_retried():
    world, outcome = run(
        stage("w", "work", ms=500, timeout_ms=100, retry={"max_attempts": 2, **EXACT})
    )

    assert outcome.error.details["cause"]["type"] == "TIMEOUT"
    assert world.row("w")["attempt"] == 2


@pytest.mark.parametrize(("delay", "parks"), [(500, False), (1000, True)])
def test_a_run_that_only_waits_a_second_or_more_parks(delay, parks):
    world = World(plan_of(work({"max_attempts": 2, "initial_delay_ms": delay}, fails=1)))

    outcome = world.drive(world.fresh(), park=True)

    assert (outcome == Parked(START + delay)) is parks


def test_a_second_parks_though_some_of_it_has_passed_when_it_is_looked_at():
    world = World(plan_of(work({"max_attempts": 2, "initial_delay_ms": 1000}, fails=1)))
    coordinator = world.fresh()
    ([call], _) = coordinator.turn()
    coordinator.take(Finished(call.key, call.attempt, error=StageError("CONNECTIVITY", "away")))

    coordinator.tick(START + 20)

    assert coordinator.turn() == ([], Parked(START + 1000))


def test_a_parked_run_goes_on_at_its_time_in_another_worker():
    world = World(plan_of(work({"max_attempts": 2, "initial_delay_ms": 5000}, fails=1)))
    world.drive(world.fresh(), park=True)
    world.now = START + 2000

    assert world.drive(world.rebuilt(), park=True) == Parked(START + 5000)
    world.now = START + 5000
    world.drive(world.rebuilt())

    assert starts(world) == [0, 5000]


def test_a_recovered_attempt_is_counted_but_not_against_the_policy():
    world = World(plan_of(work({"max_attempts": 2}, fails=1)))
    for records in (1, 2, 3):  # dies three times in the first attempt
        assert world.drive(world.rebuilt(), stop_after=records) is None

    outcome = world.drive(world.rebuilt())

    assert not isinstance(outcome, Failed)
    assert world.row("w")["attempt"] == 5
    assert world.row("w")["failures"] == 1


def test_a_stage_that_waits_for_its_next_attempt_outlives_a_failed_sibling():
    world, outcome = run(
        stage("w", "work", fails=1, retry={"max_attempts": 2, **EXACT}),
        stage("bad", "work", fails=1, error="EXECUTION", ms=20),
    )

    assert outcome.error.stage_id == "bad"
    assert world.status("w") == "completed"


def test_a_failed_owner_runs_its_bodies_again_in_the_next_round():
    world, _ = run(
        stage("each", "foreach", items=[1], loop_stages=["x"], retry={"max_attempts": 2, **EXACT}),
        stage("x", "work", fails_below_round=1),
    )

    assert world.status("x", 0, round=0) == "failed"
    assert world.status("x", 0, round=1) == "completed"
    assert world.row("each")["attempt"] == 2
