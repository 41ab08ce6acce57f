"""Two of every process on one database and one Redis, replaced under load as a deploy does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

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
    free_port,
    load,
    nothing_lost,
    served_again,
)
from tests.crash.proxy import Proxy

pytestmark = pytest.mark.timeout(300)

_READY = b"ready for action"  # Dramatiq's word
PLACES = [(name, slot) for name in ("web", "worker", "courier", "scheduler") for slot in (0, 1)]


class Begun(NamedTuple):
    """A process that was started for a place in the fleet."""

    place: tuple[str, int]
    process: Process
    port: int


class Fleet(House):
    """Two of each process; each web has its own address, which outlives it."""

    def begin(self) -> None:
        """Starts all of them, and waits until each would end gracefully."""
        self.proxies = [Proxy(), Proxy()]
        self.running: dict[tuple[str, int], Process] = {}
        for begun in [self._begin(*place) for place in PLACES]:
            self._take_over(*begun)
        self.key = self.open_for_customers()

    def replace(self, name: str) -> Iterator[int]:
        """Starts two new ones of this name; then, as often as it is asked, ends an old one whose
        place a new one took, and gives its exit code."""
        for begun in [self._begin(*place) for place in PLACES if place[0] == name]:
            old = self.running[begun.place]
            self._take_over(*begun)
            old.send_signal(signal.SIGTERM)
            yield old.wait(60)

    def _begin(self, name: str, slot: int) -> Begun:
        port = free_port()
        return Begun((name, slot), self.start(name, port), port)

    def _take_over(self, place: tuple[str, int], process: Process, port: int) -> None:
        name, slot = place
        wait_until(lambda: self._is_there(name, process, port), 60)
        self.running[place] = process
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
        ways = [(here, there), (there, here)] * 2
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
        exit_codes = []
        for name in ("web", "worker", "courier", "scheduler"):
            for exit_code in fleet.replace(name):
                exit_codes.append(exit_code)
                served_again(customers)

    nothing_lost(fleet, customers)
    assert exit_codes == [0] * len(PLACES)
    assert wait_until(bells.count) == len(HOUSE_JOBS)
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
