"""Runs driven in this process: the real services, database and broker, without a worker."""

from __future__ import annotations

import re
import threading
import time

import pytest

from app.core import wire
from app.infra import broker
from app.infra.database import database, is_postgres, release
from app.models import Run, RunEvent
from app.services.pipelines.documents import create_pipeline
from app.services.runs import alarms, drive, read
from app.services.runs.start import start_run


@pytest.fixture
def bells(settings):
    """The broker of this process; gives how many bells wait for a worker."""
    connected = broker.connect(settings.broker_url)
    with alarms._changed:
        alarms._times.clear()  # those of runs that another test parked
    return lambda: connected.client.llen("dramatiq:runs")


def transform(stage_id: str, data: object = 1, **changes: object) -> dict:
    """A pure stage."""
    return {"id": stage_id, "component_type": "json_transform", "config": {"data": data}, **changes}


@pytest.fixture
def deploy(who, bells):
    """Saves a pipeline of these stages; gives its name."""

    def deploy(*stages: dict, **members: object) -> str:
        name = f"p{time.monotonic_ns()}"
        create_pipeline(who, {"name": name, "stages": list(stages), **members})
        return name

    return deploy


@pytest.fixture
def start(who):
    """Accepts a run; gives its id."""

    def start(pipeline: str, input: dict | None = None, **options: object) -> str:
        return start_run(who, pipeline, input or {}, **options).run["id"]

    return start


@pytest.fixture
def run(who, deploy, start):
    """Deploys, starts and drives; gives the run as a caller sees it."""

    def run(*stages: dict, input: dict | None = None, **members: object) -> dict:
        run_id = start(deploy(*stages, **members), input)
        drive.advance_run()
        return seen(who, run_id)

    return run


def seen(who, run_id: str) -> dict:
    """The run as a caller reads it from the wire."""
    return wire.read(wire.dumps(read.get_run(who, run_id)))


def tape(who, run_id: str) -> list[dict]:
    """The run's events as a caller reads them from the wire."""
    return wire.read(wire.dumps(read.list_events(who, run_id, 0, 1000)["items"]))


def stored_types(run_id: str) -> list[str]:
    """The types of the stored events, in order."""
    rows = RunEvent.select().where(RunEvent.run == run_id).order_by(RunEvent.seq)
    return [row.type for row in rows]


def row(run_id: str) -> Run:
    """The run's row."""
    return Run.get_by_id(run_id)


def drive_behind() -> threading.Thread:
    """Drives the next run in another thread."""

    def drive_one() -> None:
        try:
            drive.advance_run()
        finally:
            release()

    thread = threading.Thread(target=drive_one)
    thread.start()
    return thread


def count_write_transactions(monkeypatch) -> list[str]:
    """The write transactions from now on, a name each."""
    """Grows by one with each committed transaction that wrote."""
    writes: list[str] = []
    original = type(database.obj).execute_sql
    change = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM) ")
    inside: list[str] = []

    def execute_sql(self, sql, params=None):
        answer = original(self, sql, params)
        found_nothing = is_postgres() and answer.rowcount == 0
        if change.search(_text_of(original, self, sql)) and not found_nothing:
            inside.append(sql[:60])
            if not self.in_transaction():
                writes.append(inside.pop())
        return answer

    commit = type(database.obj).commit

    def committed(self):
        if inside:
            writes.append("; ".join(inside))
            inside.clear()
        return commit(self)

    monkeypatch.setattr(type(database.obj), "execute_sql", execute_sql)
    monkeypatch.setattr(type(database.obj), "commit", committed)
    return writes


def _text_of(execute, db, sql: str) -> str:
    """The statement's text; a prepared one's is asked of PostgreSQL."""
    if not sql.startswith("EXECUTE "):
        return sql
    stored = "SELECT statement FROM pg_prepared_statements WHERE name = %s"
    return execute(db, stored, (sql.split()[1],)).fetchone()[0]
