"""A whole house of processes, each started by its line of the Procfile, and its customers."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from peewee import fn

from app.core.principal import Principal
from app.infra import database as db
from app.models import Membership, Organization, Run, RunEvent, User
from app.services.identity.apikeys import create_api_key
from app.services.pipelines.documents import create_pipeline
from tests.conftest import KEYS, own_postgres, wait_until
from tests.crash.conftest import World, chain
from tests.crash.customer import Customer

ROOT = Path(__file__).parents[2]
LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())

Process = subprocess.Popen[bytes]


@contextlib.contextmanager
def empty_database(folder: Path) -> Iterator[str]:
    """The URL of a database without a table, on the server under test."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        with own_postgres(given, f"fm_house_{os.getpid()}") as url:
            yield url
    else:
        yield f"sqlite:///{folder}/flowmason.db"


def free_port() -> int:
    """A port that nobody uses at this moment, and that no client gets by chance: a connection to
    a process that is away could otherwise be one with itself."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


class House:
    """Processes of one database and one Redis, whose log lines are kept."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **environ: str) -> None:
        self.database_url, self.redis_url = database_url, redis_url
        self.environ = {
            **{name: text for name, text in os.environ.items() if name != "FLOWMASON_PORT"},
            **KEYS,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "FLOWMASON_HOME": str(folder / "home"),
            "FLOWMASON_EGRESS_ALLOW": "127.0.0.0/8",
            "RATE_LIMIT_PER_MINUTE": "0",
            **environ,
        }
        self.folder = folder
        self.world = World()
        self.started: list[Process] = []
        self.logs: list[Path] = []

    def start(self, name: str, port: int) -> Process:
        """Starts the process of this name, as a platform does."""
        return self.run("sh", "-c", f"exec env {LINES[name]}", log=name, port=port)

    def run(self, *command: str, log: str, port: int) -> Process:
        """Starts a command in a session of its own; its lines go to a file."""
        self.logs.append(self.folder / f"{len(self.logs)}-{log}.log")
        with self.logs[-1].open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environ, "PORT": str(port)},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def open_for_customers(self) -> str:
        """Deploys pipeline `work`, whose stages change the world; gives an API key. Needs the
        tables."""
        db.connect(self.database_url)
        organization = Organization.create(name="Acme", slug="acme")
        user = User.create(email="owner@acme.test", name="Owner")
        Membership.create(org_id=organization.id, user_id=user.id, role="owner")
        who = Principal(organization.id, frozenset({"admin"}), "session", user_id=user.id)
        create_pipeline(who, {"name": "work", "stages": chain(self.world, 3)})
        return create_api_key(who, name="test", scopes=["admin"])["key"]

    def ended(self, seconds: float = 60) -> list[int]:
        """Exit codes of all that were started, once each has ended."""
        return [process.wait(seconds) for process in self.started]

    def close(self) -> None:
        """Kills what is left."""
        kill_marked(f"FLOWMASON_HOME={self.folder}/home")
        for process in self.started:
            process.wait()
        self.world.server.shutdown()
        self.world.server.server_close()
        db.disconnect()

    def errors(self) -> list[str]:
        """Lines of the level error and worse, and those that no logger wrote."""
        lines = [line for log in self.logs for line in log.read_text().splitlines()]
        return [line for line in lines if _level(line) not in ("debug", "info", "warning")]


def _level(line: str) -> str | None:
    try:
        return json.loads(line)["level"]
    except ValueError:
        return None


def kill_marked(mark: str) -> None:
    """SIGKILL for each process that has this text in its environment, until there is none."""
    wait_until(lambda: not [_kill(pid) for pid in _marked(mark.encode())], 30)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _marked(mark: bytes) -> Iterator[int]:
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environ.read_bytes():
                yield int(environ.parent.name)


def catches_sigterm(pid: int) -> bool:
    """Whether the process is so far that it ends gracefully when asked to."""
    status = Path(f"/proc/{pid}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def answers(port: int) -> bool:
    """Whether a web process serves at this port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10) as answer:
        return answer.status == 200


@contextlib.contextmanager
def load(customers: list[Customer]) -> Iterator[None]:
    """These customers come and go for the length of a with block; fails with the first of them
    that was not served."""
    for customer in customers:
        customer.start()
    try:
        yield
    finally:
        for customer in customers:
            customer.enough.set()
        for customer in customers:
            customer.join(120)
    for customer in customers:
        assert not customer.is_alive()
        if customer.failed:
            raise customer.failed


def served_again(customers: list[Customer], times: int = 1) -> None:
    """Waits until each of them was served so often from now on."""
    wanted = [(customer, len(customer.seen) + times) for customer in customers]
    wait_until(lambda: all(c.failed or len(c.seen) >= n for c, n in wanted), 120)


def nothing_lost(house: House, customers: list[Customer]) -> None:
    """Each accepted run completed, its events have no gap; no finished call was repeated."""
    calls = list(house.world.seen)
    stored = RunEvent.select(RunEvent.run, fn.COUNT(RunEvent.seq)).group_by(RunEvent.run).tuples()
    assert dict(stored) == {run.id: run.event_seq for run in Run.select()}
    assert Run.select().where(Run.status != "completed").count() == 0
    for run_id, told in (item for customer in customers for item in customer.seen.items()):
        assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
        assert told[-1]["type"] == "run_completed", told[-1]
        made = [key for key in calls if key.startswith(f"{run_id}/")]
        # A stage is called only once the one before it is written down as finished.
        assert made == sorted(made), made
        assert {f"{run_id}/s{n}" for n in range(3)} == set(made)
