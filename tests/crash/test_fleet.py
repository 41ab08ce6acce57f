"""Two of every process on one database and one Redis, replaced under load as a deploy does."""

from __future__ import annotations

import signal
import socket
from contextlib import ExitStack

import pytest
import redis

import migrations
from scheduler.__main__ import HOUSE_JOBS
from scheduler.metronome import Metronome
from tests.conftest import own_redis, wait_until
from tests.crash.conftest import kill_redis, redis_again
from tests.crash.customer import Customer
from tests.crash.house import (
    House,
    Process,
    answers,
    catches_sigterm,
    empty_database,
    load,
    nothing_lost,
    served_again,
)
from tests.crash.proxy import Proxy

pytestmark = pytest.mark.timeout(300)

_READY = b"ready for action"  # Dramatiq's word


class Fleet(House):
    """Two of each process; each web has its own address, which outlives it."""

    def begin(self) -> None:
        """Starts all of them, and waits until each would end gracefully."""
        self.proxies = [Proxy(), Proxy()]
        self.running: dict[tuple[str, int], Process] = {}
        begun = [
            (name, slot, *self._begin(name))
            for name in ("web", "worker", "courier", "scheduler")
            for slot in (0, 1)
        ]
        for name, slot, process, port in begun:
            self._take_over(name, slot, process, port)
        self.key = self.open_for_customers()

    def replace(self, name: str, slot: int) -> None:
        """Starts a new one and, once it is there, ends the old one."""
        old = self.running[name, slot]
        self._take_over(name, slot, *self._begin(name))
        old.send_signal(signal.SIGTERM)
        assert old.wait(60) == 0

    def _begin(self, name: str) -> tuple[Process, int]:
        port = free_port() if name == "web" else 5000
        return self.start(name, port), port

    def _take_over(self, name: str, slot: int, process: Process, port: int) -> None:
        wait_until(lambda: self._is_there(name, process, port), 60)
        self.running[name, slot] = process
        if name == "web":
            self.proxies[slot].route(port)

    def _is_there(self, name: str, process: Process, port: int) -> bool:
        assert process.poll() is None, f"{name} ended"
        if name == "web":
            return answers(port)
        if name == "scheduler":
            return catches_sigterm(process.pid)
        return _READY in self.logs[self.started.index(process)].read_bytes()

    def customers(self) -> list[Customer]:
        """Those who start a run at one web and watch it at the other, both ways."""
        here, there = (proxy.port for proxy in self.proxies)
        ways = [(here, there), (there, here)] * 3
        return [Customer(self.key, starts_at, watches_at) for starts_at, watches_at in ways]

    def stop(self) -> set[int]:
        """Ends all of them; the exit codes of all that ever ran."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        return set(self.ended())

    def close(self) -> None:
        super().close()
        for proxy in self.proxies:
            proxy.close()


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A fleet at work."""
    folder = tmp_path_factory.mktemp("fleet")
    with own_redis() as redis_url, empty_database(folder) as database_url:
        migrations.up(database_url)
        fleet = Fleet(folder, database_url, redis_url)
        try:
            fleet.begin()
            yield fleet
        finally:
            fleet.close()


class HourlyBells:
    """Makes each house job due once, and counts the bells that are rung for them."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url)
        self._ear = self._redis.pubsub(ignore_subscribe_messages=True)
        self._ear.subscribe("dramatiq:wake")
        self._ear.get_message(timeout=5)
        self.heard = 0

    def make_due(self) -> None:
        """An hour has passed."""
        jobs = Metronome.scheduled_jobs_key
        wait_until(lambda: self._redis.zcard(jobs) == len(HOUSE_JOBS), 30)
        self._redis.zadd(jobs, {name: 0 for name in HOUSE_JOBS})

    def count(self) -> int:
        """How many were heard by now."""
        while (message := self._ear.get_message()) is not None:
            self.heard += message["data"] == b"housekeeping"
        return self.heard


def test_fleet_replaced_one_by_one_under_load_refuses_loses_and_repeats_nothing(fleet):
    bells = HourlyBells(fleet.redis_url)
    customers = fleet.customers()

    with load(customers):
        bells.make_due()
        for name, slot in list(fleet.running):
            served_again(customers)
            fleet.replace(name, slot)
        served_again(customers)

    nothing_lost(fleet, customers)
    assert bells.count() == len(HOUSE_JOBS)
    assert fleet.errors() == []


def test_fleet_whose_redis_is_killed_and_emptied_under_load_completes_everything(fleet):
    customers = fleet.customers()

    with ExitStack() as afterwards:
        with load(customers):
            served_again(customers)
            kill_redis(fleet.redis_url)
            afterwards.enter_context(redis_again(fleet.redis_url))
            served_again(customers)
        exit_codes = fleet.stop()

    nothing_lost(fleet, customers)
    assert exit_codes == {0}
