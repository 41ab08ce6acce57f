from __future__ import annotations

import signal
import time

import pytest

from app.models import Run
from tests.conftest import wait_until
from tests.crash.conftest import chain, ended, event_numbers, event_types, loop


def completed_without_gap(run_id):
    """The run completed, resumed at least once, and its events are numbered 1, 2, 3..."""
    [run] = ended([run_id])
    numbers = event_numbers(run_id)
    assert run.status == "completed", run.error
    assert numbers == list(range(1, run.event_seq + 1))
    assert event_types(run_id).count("run_completed") == 1
    return run


def test_killed_in_a_plain_stage_is_resumed_without_repeating_finished_ones(workers, world, start):
    first = workers.start()
    world.on_request = lambda key: world.open.clear() if key.endswith("/s1") else None
    [run_id] = start(chain(world, 3))
    wait_until(lambda: len(world.seen) == 2)  # the second stage is in the middle of its call

    workers.kill(first)
    world.on_request = lambda key: None
    world.open.set()
    workers.start()

    completed_without_gap(run_id)
    assert "execution_resumed" in event_types(run_id)
    assert world.counts == {f"{run_id}/s0": 1, f"{run_id}/s1": 2, f"{run_id}/s2": 1}


def test_killed_in_a_loop_goes_on_with_the_item_it_was_at(workers, world, start):
    first = workers.start()
    world.on_request = lambda key: world.open.clear() if key.endswith("/do/4") else None
    [run_id] = start(loop(world, 8))
    wait_until(lambda: len(world.seen) == 5)

    workers.kill(first)
    world.on_request = lambda key: None
    world.open.set()
    workers.start()

    completed_without_gap(run_id)
    repeated = {key for key, times in world.counts.items() if times > 1}
    assert repeated == {f"{run_id}/do/4"}
    assert len(world.counts) == 8


def test_killed_between_effect_and_flush_repeats_only_that_call_with_its_key(workers, world, start):
    first = workers.start()

    def die(key):
        if key.endswith("/s1"):
            world.on_request = lambda key: None
            workers.signal(first, signal.SIGKILL)

    world.on_request = die
    [run_id] = start(chain(world, 3))
    wait_until(lambda: first.poll() is not None)
    workers.start()

    completed_without_gap(run_id)
    assert world.counts == {f"{run_id}/s0": 1, f"{run_id}/s1": 2, f"{run_id}/s2": 1}


@pytest.mark.parametrize("lease_seconds", [10])
def test_with_the_default_lease_a_run_is_taken_up_again_within_fifteen_seconds(
    workers, world, start
):
    first, _ = workers.start(), time.sleep(0)
    world.open.clear()
    [run_id] = start(chain(world, 1))
    wait_until(lambda: world.seen)
    workers.start()

    workers.kill(first)
    killed_at = time.monotonic()
    wait_until(lambda: len(world.seen) == 2, 20)
    taken_up_after = time.monotonic() - killed_at
    world.open.set()

    completed_without_gap(run_id)
    assert taken_up_after < 15


def test_a_worker_that_lost_its_lease_cannot_write(workers, world, start):
    frozen = workers.start()
    world.open.clear()
    [run_id] = start(chain(world, 2))
    wait_until(lambda: len(world.seen) == 1)

    workers.signal(frozen, signal.SIGSTOP)
    workers.start()
    wait_until(lambda: len(world.seen) == 2, 15)  # the other one has it now
    world.open.set()
    completed_without_gap(run_id)
    before = event_numbers(run_id), Run.get_by_id(run_id).epoch
    workers.signal(frozen, signal.SIGCONT)
    time.sleep(2)

    assert (event_numbers(run_id), Run.get_by_id(run_id).epoch) == before


def test_without_progress_a_run_fails_after_five_recoveries(workers, world, start):
    world.on_request = lambda key: [workers.signal(w, signal.SIGKILL) for w in workers.running]
    [run_id] = start(chain(world, 1))

    for _ in range(6):
        worker = workers.start()
        wait_until(lambda worker=worker: worker.poll() is not None, 20)
        workers.running.remove(worker)
    workers.start()

    [run] = ended([run_id])
    assert run.error["details"] == {"reason": "recovery_exhausted"}
    assert (run.status, len(world.seen)) == ("failed", 6)
