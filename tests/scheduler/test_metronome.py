"""The metronome sends what is due, once, and survives what would end rq-scheduler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

import config
from scheduler.metronome import HouseJob, Metronome

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(redis_url):
    """An empty Redis-protocol server."""
    client = redis.Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def sent():
    """The names of the jobs that were sent, in order."""
    return []


@pytest.fixture
def metronome(server, sent):
    """Makes metronomes with one job a second and one an hour."""

    def make(**more):
        jobs = {
            "often": HouseJob(1, lambda: sent.append("often")),
            "hourly": HouseJob(3600, lambda: sent.append("hourly")),
            **more,
        }
        return Metronome(server, jobs)

    return make


def make_due(server, *names):
    """Moves the time of these jobs to now."""
    server.zadd(Metronome.scheduled_jobs_key, dict.fromkeys(names, int(time.time())))


def planned(server):
    """When each job is planned."""
    return dict(server.zrange(Metronome.scheduled_jobs_key, 0, -1, withscores=True))


def test_first_tick_plans_each_job_and_sends_none(server, sent, metronome):
    metronome().tick()

    assert set(planned(server)) == {b"often", b"hourly"}
    assert sent == []


def test_due_job_is_sent_once_and_planned_again(server, sent, metronome):
    clock = metronome()
    clock.tick()
    make_due(server, "hourly")

    clock.tick()
    clock.tick()

    assert sent.count("hourly") == 1
    assert planned(server)[b"hourly"] == pytest.approx(time.time() + 3600, abs=3)


def test_of_two_metronomes_one_sends(server, sent, metronome):
    first, second = metronome(), metronome()
    first.tick()
    make_due(server, "hourly")

    assert first.acquire_lock()
    second.tick()

    assert sent == []


def test_lock_of_another_is_not_removed(server, metronome):
    first, second = metronome(), metronome()
    second.acquire_lock()
    server.set(Metronome.scheduler_lock_key, "somebody else's")

    second.remove_lock()

    assert first.acquire_lock() is False


def test_lock_of_a_dead_metronome_runs_out(server, metronome):
    metronome().acquire_lock()

    assert 0 < server.ttl(Metronome.scheduler_lock_key) <= 5


def test_job_that_fails_does_not_hold_up_the_next(server, sent, metronome):
    def fail():
        raise ValueError("bad day")

    clock = metronome(broken=HouseJob(3600, fail))
    clock.tick()
    make_due(server, "broken", "hourly")

    clock.tick()

    assert sent == ["hourly"]
    assert planned(server)[b"broken"] > time.time()


def test_emptied_server_gets_its_jobs_back_from_the_next_metronome(server, metronome):
    metronome().tick()
    server.flushdb()

    metronome().tick()

    assert set(planned(server)) == {b"often", b"hourly"}


def test_restart_does_not_put_off_what_was_planned(server, metronome):
    metronome().tick()
    server.zadd(Metronome.scheduled_jobs_key, {"hourly": 12345678900})

    metronome().tick()

    assert planned(server)[b"hourly"] == 12345678900


def test_job_of_an_earlier_release_is_forgotten(server, sent, metronome):
    metronome(old=HouseJob(1, lambda: sent.append("old"))).tick()
    make_due(server, "old")

    metronome().tick()

    assert sent == []
    assert b"old" not in planned(server)


def test_each_beat_is_done_although_redis_is_away(tmp_path):
    away = redis.Redis(unix_socket_path=str(tmp_path / "nobody.sock"))
    done = []
    clock = Metronome(away, {}, each_beat=(lambda: done.append("deed"), lambda: clock.stop()))

    clock.beat_until_stopped()

    assert done == ["deed"]


def test_deed_that_fails_does_not_stop_the_beat(server):
    def fail():
        raise ValueError("bad day")

    done = []
    deeds = (fail, lambda: done.append("deed"), lambda: clock.stop())
    clock = Metronome(server, {}, each_beat=deeds)

    clock.beat_until_stopped()

    assert done == ["deed"]


@pytest.fixture
def process(settings):
    """A scheduler process that ticks."""
    running = subprocess.Popen(
        [sys.executable, "-m", "scheduler"],
        cwd=ROOT,
        env=config.as_environment(settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    client = redis.Redis.from_url(settings.redis_url)
    until = time.monotonic() + 20
    while not client.exists(Metronome.scheduled_jobs_key):
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)
    client.close()
    yield running
    running.kill()
    running.communicate()


def test_sigterm_ends_the_process_with_zero_within_two_seconds(process):
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=2) == 0


def test_process_without_settings_names_them():
    bare = {name: os.environ[name] for name in ("PATH",)}

    done = subprocess.run(
        [sys.executable, "-m", "scheduler"], cwd=ROOT, env=bare, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "REDIS_URL must be set" in done.stderr
