"""The Procfile as it is, under honcho, its processes killed like a platform's machines."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import own_redis, wait_until
from tests.crash.conftest import World
from tests.crash.customer import Customer
from tests.crash.house import (
    House,
    Process,
    answers,
    empty_database,
    free_port,
    kill_marked,
    load,
    nothing_lost,
    served_again,
)

NAMES = ("web", "worker", "courier", "scheduler")


class Platform(House):
    """Starts each line of the Procfile by itself, all web processes at one port."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        super().__init__(folder, database_url, redis_url, LEASE_SECONDS="4")
        self.port = free_port()

    def honcho(self, name: str) -> Process:
        """`honcho start NAME`; all that belongs to it carries its mark."""
        command = ["env", f"LINE={self.folder}/{name}", sys.executable, "-m", "honcho"]
        return self.run(*command, "start", name, log=name, port=self.port)

    def kill(self, name: str) -> None:
        """SIGKILL for all that belongs to the line, as when its machine is lost."""
        kill_marked(f"LINE={self.folder}/{name}")


@pytest.fixture
def platform(tmp_path):
    """A platform that released this version on an empty database."""
    with own_redis() as redis_url, empty_database(tmp_path) as database_url:
        platform = Platform(tmp_path, database_url, redis_url)
        try:
            assert platform.honcho("release").wait(60) == 0
            yield platform
        finally:
            platform.close()


@contextlib.contextmanager
def amid_a_call(world: World) -> Iterator[None]:
    """For the length of a with block a run waits for the answer to the call of its second stage."""
    called, answer = threading.Event(), threading.Event()

    def hold(key: str) -> None:
        if key.endswith("/s1"):
            called.set()
            answer.wait(30)

    world.on_request = hold
    wait_until(called.is_set, 60)
    yield
    world.on_request = lambda key: None
    answer.set()


@pytest.mark.timeout(300)
def test_each_line_killed_once_under_load_loses_and_repeats_nothing(platform):
    for name in NAMES:
        platform.honcho(name)
    wait_until(lambda: answers(platform.port), 60)
    key = platform.open_for_customers()
    customers = [Customer(key, platform.port, platform.port, forgives=True) for _ in range(4)]

    with load(customers):
        served_again(customers)
        for name in NAMES:
            with amid_a_call(platform.world):
                platform.kill(name)
            platform.honcho(name)
            served_again(customers)

    nothing_lost(platform, customers)
