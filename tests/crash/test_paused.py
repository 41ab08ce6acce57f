"""Paused runs cost nothing and outlive everything: workers, web processes and Redis."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.core.ids import new_id
from app.infra import broker
from app.infra.database import database, transaction
from app.models import Run, RunEvent, StageRun
from app.services.identity.apikeys import create_api_key
from app.services.pipelines.documents import create_pipeline
from app.services.runs import control, drive, recover
from app.services.runs.start import start_run
from tests.api.conftest import member
from tests.api.runs.web import web_process
from tests.conftest import own_redis, wait_until
from tests.crash.conftest import chain, ended, event_types, kill_redis, redis_again

pytestmark = pytest.mark.timeout(300)

MANY = 10_000
PURE = [
    {"id": "a", "component_type": "json_transform", "config": {"data": 1}},
    {
        "id": "b",
        "component_type": "json_transform",
        "config": {"data": 2},
        "depends_on": ["a"],
    },
]


def pause_many(who) -> list[str]:
    """So many paused runs, all as one that was really paused; gives their ids."""
    create_pipeline(who, {"name": "waits", "stages": PURE})
    first = start_run(who, "waits", {}, stop_on_entry=True).run["id"]
    drive.advance_run()
    row = Run.select().where(Run.id == first).dicts().get()
    events = list(RunEvent.select().where(RunEvent.run == first).dicts())
    ids = [new_id("run") for _ in range(MANY - 1)]
    with transaction():
        for some in (ids[at : at + 200] for at in range(0, len(ids), 200)):
            Run.insert_many([{**row, "id": run_id} for run_id in some]).execute()
            copies = [{**event, "run": run_id} for run_id in some for event in events]
            RunEvent.insert_many(copies).execute()
    return [first, *ids]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that this process sends meanwhile."""
    sent: list[str] = []
    original = type(database.obj).execute_sql

    def execute_sql(self, sql, params=None):
        sent.append(sql)
        return original(self, sql, params)

    type(database.obj).execute_sql = execute_sql
    try:
        yield sent
    finally:
        type(database.obj).execute_sql = original


def idle() -> None:
    """What a house does again and again while nothing happens."""
    drive.advance_run()
    recover.sweep()


def test_new_run_completes_at_once_behind_ten_thousand_paused_ones(workers, start, who):
    workers.start(threads=1)
    paused = pause_many(who)

    (run_id,) = start(PURE)
    (run,) = ended([run_id])

    assert run.status == "completed"
    assert Run.select().where(Run.status == "paused").count() == MANY
    for one in (paused[0], paused[MANY // 2], paused[-1]):
        control.resume(who, one)
    assert {run.status for run in ended([paused[0], paused[MANY // 2], paused[-1]])} == {
        "completed"
    }
    assert Run.select().where(Run.status == "paused").count() == MANY - 3


def test_idle_house_asks_no_more_when_runs_are_paused(settings, who):
    broker.connect(settings.broker_url)
    idle()  # statements are prepared now
    with counted() as before:
        idle()
    pause_many(who)

    with counted() as after:
        idle()

    assert after == before


@pytest.fixture
def redis_url():
    """A server of this test alone, which is killed."""
    with own_redis() as url:
        yield url


def ask(port: int, key: str, path: str, body: dict | None = None) -> dict:
    """What the API answers at this path."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1{path}")
    request.add_header("X-API-Key", key)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_paused_run_goes_on_with_another_worker_after_everything_was_restarted(
    settings, workers, world, org
):
    who = member(org)
    key = create_api_key(who, name="k", scopes=["runs:read", "runs:write"])["key"]
    create_pipeline(who, {"name": "p", "stages": chain(world, 3)})
    first = workers.start()
    with web_process(settings) as web:
        body = {"pipeline_id": "p", "breakpoints": ["s1"]}
        run_id = ask(web.port, key, "/runs", body)["id"]
        wait_until(lambda: Run.get_by_id(run_id).status == "paused", 60)
        workers.kill(first)
    kill_redis(settings.redis_url)

    with redis_again(settings.redis_url):
        workers.start()
        with web_process(settings) as web:
            paused = ask(web.port, key, f"/runs/{run_id}/status")
            ask(web.port, key, f"/runs/{run_id}/step", {})
            wait_until(lambda: Run.get_by_id(run_id).status == "paused", 60)
            stepped = ask(web.port, key, f"/runs/{run_id}/status")
            ask(web.port, key, f"/runs/{run_id}/resume", {})
            (run,) = ended([run_id])

    assert (paused["paused_before"], stepped["paused_before"]) == ("s1", "s2")
    assert run.status == "completed"
    assert set(world.counts.values()) == {1}
    assert StageRun.select().where(StageRun.run == run_id, StageRun.attempt == 1).count() == 3
    told = [type for type in event_types(run_id) if type.startswith("execution")]
    assert told == ["execution_paused", "execution_resumed"] * 2


def test_rest_and_websocket_command_one_run(settings, workers, world, org):
    who = member(org)
    key = create_api_key(who, name="k", scopes=["runs:read", "runs:write"])["key"]
    create_pipeline(who, {"name": "p", "stages": chain(world, 3)})
    workers.start()
    with web_process(settings) as web:
        run_id = ask(web.port, key, "/runs", {"pipeline_id": "p", "stop_on_entry": True})["id"]
        wait_until(lambda: Run.get_by_id(run_id).status == "paused", 60)
        socket = web.connect(X_API_Key=key)
        assert socket.hear()["type"] == "connected"

        set_by_socket = socket.ask(type="set_breakpoint", run_id=run_id, stage_id="s2", id="1")
        seen_by_rest = ask(web.port, key, f"/runs/{run_id}")["breakpoints"]
        stepped = socket.ask(type="step", run_id=run_id)
        wait_until(lambda: ask(web.port, key, f"/runs/{run_id}/status")["status"] == "paused", 60)
        where = ask(web.port, key, f"/runs/{run_id}/status")["paused_before"]
        ask(web.port, key, f"/runs/{run_id}/resume", {})
        wait_until(lambda: ask(web.port, key, f"/runs/{run_id}/status")["status"] == "paused", 60)
        refused = socket.ask(type="pause", run_id=run_id)
        unknown = socket.ask(type="set_breakpoint", run_id=run_id, stage_id="none")
        stopped = ask(web.port, key, f"/runs/{run_id}/stop", {})

    assert (set_by_socket["type"], set_by_socket["breakpoints"]) == ("control", seen_by_rest)
    assert (stepped["mode"], where) == ("stepping", "s1")
    assert (refused["type"], refused["code"]) == ("error", "illegal-move")
    assert (unknown["code"], unknown["detail"]) == (
        "validation-failed",
        "There is no stage 'none'.",
    )
    assert (stopped["status"], stopped["mode"]) == ("cancelled", "stopped")
    assert len(world.seen) == 2
