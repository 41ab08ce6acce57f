from __future__ import annotations

import signal
import threading
import time

import pytest

from app.infra import broker, bus
from app.infra.database import release
from tests.conftest import own_redis, wait_until
from tests.crash.conftest import (
    Workers,
    chain,
    ended,
    event_numbers,
    event_types,
    kill_redis,
    loop,
    redis_again,
)


def nothing_lost(run_ids, world):
    """Every run completed once, with events without a gap and no finished call repeated."""
    for run in ended(run_ids, 90):
        types = event_types(run.id)
        assert run.status == "completed", run.error
        assert event_numbers(run.id) == list(range(1, run.event_seq + 1))
        assert types.count("run_started") == 1
        assert types.count("run_completed") == 1


def test_sigterm_under_load_loses_nothing(workers, world, start):
    first, second = workers.start(), workers.start()
    run_ids = start(loop(world, 5), times=40)
    wait_until(lambda: len(world.seen) > 20)

    workers.signal(first, signal.SIGTERM)
    first.wait(30)

    nothing_lost(run_ids, world)
    assert first.returncode == 0
    assert second.poll() is None


def test_sigterm_hands_runs_back_at_once(workers, world, start):
    first = workers.start()
    world.open.clear()
    [run_id] = start(chain(world, 2))
    wait_until(lambda: world.seen)
    workers.start()

    asked_at = time.monotonic()
    workers.signal(first, signal.SIGTERM)
    wait_until(lambda: len(world.seen) == 2, 15)
    taken_up_after = time.monotonic() - asked_at
    world.open.set()

    nothing_lost([run_id], world)
    assert taken_up_after < 8  # five seconds for the stage to finish, then at once


def test_killed_workers_under_load_lose_nothing(workers, world, start):
    run_ids = start(loop(world, 5), times=30)
    for killed_at in (10, 60, 110):
        worker = workers.start()
        wait_until(lambda killed_at=killed_at: len(world.seen) > killed_at, 20)
        workers.kill(worker)
    workers.start()
    workers.start()

    nothing_lost(run_ids, world)


def test_emptied_redis_under_load_loses_nothing(workers, world, start):
    workers.start()
    run_ids = start(loop(world, 3), times=30)
    wait_until(lambda: len(world.seen) > 10)

    bus.client().flushdb()

    nothing_lost(run_ids, world)


@pytest.mark.parametrize("away_seconds", [0.2, 4])
def test_killed_redis_under_load_loses_nothing(settings, world, start, away_seconds, lease_seconds):
    with own_redis() as url:
        bus.connect(url)
        broker.connect(url)
        workers = Workers(settings, lease_seconds)
        workers.environment |= {"REDIS_URL": url}
        try:
            workers.start()
            run_ids = start(loop(world, 3), times=20)
            wait_until(lambda: len(world.seen) > 5)

            kill_redis(url)
            time.sleep(away_seconds)
            run_ids += start(loop(world, 3), times=5)  # accepted while Redis is away
            with redis_again(url):
                nothing_lost(run_ids, world)
        finally:
            workers.stop_all()


def test_two_workers_never_hold_one_run(workers, world, start):
    for _ in range(3):
        workers.start(threads=8)
    held_twice = []
    inside: set[str] = set()
    lock = threading.Lock()

    def enter(key):
        run_id = key.split("/")[0]
        with lock:
            if run_id in inside:
                held_twice.append(run_id)
            inside.add(run_id)
        time.sleep(0.002)
        with lock:
            inside.discard(run_id)

    world.on_request = enter
    run_ids = start(loop(world, 4), times=60)
    release()

    nothing_lost(run_ids, world)
    assert held_twice == []
    assert set(world.counts.values()) == {1}
