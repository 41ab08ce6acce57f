"""Every process of the Procfile at once: what they cost with nothing to do, and what they write."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from app.infra import broker
from tests.conftest import KEYS, own_redis, wait_until
from tests.crash.conftest import ended

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(180)

SECRET = "hunter2hunter2"
IDLE_SECONDS = 8

# peewee asks its logger once for each statement.
COUNTS_STATEMENTS = """
import logging, os

class Counting(logging.Logger):
    def isEnabledFor(self, level):
        if self.name == "peewee":
            os.write(counted, b".")
        return super().isEnabledFor(level)

counted = os.open(os.environ["STATEMENTS"], os.O_WRONLY | os.O_APPEND)
logging.setLoggerClass(Counting)
"""


def with_secret(url: str) -> str:
    """The URL with a user and a password, which servers that ask for none take as well."""
    parts = urlsplit(url)
    user = parts.username or "default"
    host = (parts.netloc or "").rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{parts.password or SECRET}@{host}").geturl()


class House:
    """The processes of the Procfile but `release`, as a platform starts them."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.statements_file = folder / "statements"
        self.statements_file.touch()
        (folder / "sitecustomize.py").write_text(COUNTS_STATEMENTS)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = {
            **os.environ,
            **KEYS,
            **environment,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            "STATEMENTS": str(self.statements_file),
            "FLOWMASON_PORT": str(self.port),
            "FLOWMASON_HOME": str(folder / "home"),
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Starts all of them and waits until the web process serves."""
        for line in (ROOT / "Procfile").read_text().splitlines():
            name, _, command = line.partition(": ")
            if name != "release":
                self.running[name] = self._started(name, command)
        wait_until(self._answers, 40)

    def _answers(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/readyz"
            return urllib3.request("GET", url, timeout=5, retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def _started(self, name: str, command: str) -> subprocess.Popen[bytes]:
        with open(self.folder / f"{name}.log", "wb") as log:
            return subprocess.Popen(
                ["/usr/bin/env", *shlex.split(command)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def statements(self) -> int:
        """How many statements all of them have sent to the database."""
        return self.statements_file.stat().st_size

    def lines(self, name: str) -> list[str]:
        """What one of them has written."""
        return (self.folder / f"{name}.log").read_text().splitlines()

    def signal(self, number: int) -> None:
        """Sends a signal to all."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def kill(self) -> None:
        """Ends what is left of them."""
        self.signal(signal.SIGKILL)
        for process in self.running.values():
            process.wait()

    def told(self, name: str, text: str) -> bool:
        """Whether one of them has written this."""
        return any(text in line for line in self.lines(name))


@pytest.fixture
def new_house(settings, tmp_path):
    """Starts all processes on this test's database; kills what is left of them."""
    houses = []

    def new_house(redis_url: str, **environment: str) -> House:
        broker.connect(redis_url)
        url = settings.database_url
        database_url = url if url.startswith("sqlite:") else with_secret(url)
        urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        houses.append(House(tmp_path, {**urls, **environment}))
        houses[-1].start()
        return houses[-1]

    yield new_house
    for house in houses:
        house.kill()


LAST_WORDS = {
    "web": "Shutting down: Master",
    "worker": "Worker has been shut down",
    "courier": "Worker has been shut down",
}
LOGGER = [{"id": "a", "component_type": "logger", "config": {"message": "x"}}]


def test_idle_processes_ask_the_database_less_than_twice_a_second(new_house, settings, start):
    house = new_house(settings.redis_url, LOG_LEVEL="warning")
    ended(start(LOGGER))
    before, since = house.statements(), time.monotonic()

    time.sleep(IDLE_SECONDS)

    assert before > 0
    assert house.statements() - before < 2 * (time.monotonic() - since)
    assert [house.lines(name) for name in house.running] == [[], [], [], []]


def test_every_line_is_a_json_object_and_holds_no_password(new_house, start):
    with own_redis() as url:
        house = new_house(with_secret(url))
        ended(start(LOGGER))
    wait_until(lambda: house.told("scheduler", "Redis is away"), 40)
    house.signal(signal.SIGTERM)
    for name, last in LAST_WORDS.items():
        wait_until(partial(house.told, name, last), 40)
    house.kill()

    for name in house.running:
        lines = [json.loads(line) for line in house.lines(name)]
        assert all(line["level"] and line["message"] for line in lines)
        assert SECRET not in "".join(house.lines(name))
