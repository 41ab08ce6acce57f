"""Many requests at once at a real web process: those that wait, and copies of one."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from app.infra import bus
from app.models import Run
from app.services.identity.apikeys import create_api_key
from app.services.pipelines.documents import create_pipeline
from tests.api.conftest import GOOD, member
from tests.api.runs.web import web_process
from tests.conftest import wait_until

pytestmark = pytest.mark.timeout(300)

WAITING, COPIES = 200, 100
WAITS = {"pipeline": "greet", "input": {"n": 5}, "async_mode": False}


@pytest.fixture
def headers(org) -> dict[str, str]:
    """Those of an administrator, whose pipeline `greet` is saved."""
    owner = member(org)
    create_pipeline(owner, GOOD)
    key = create_api_key(owner, name="many", scopes=["admin"])["key"]
    return {"X-API-Key": key, "Content-Type": "application/json"}


def post(web, path: str, body: dict, headers: dict[str, str]):
    """Status, headers and body of the answer, over a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=200)) as line:
        line.request("POST", path, json.dumps(body), headers)
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()


def followed() -> int:
    return len(bus.client().pubsub_channels("run:*"))


def test_200_requests_wait_in_one_web_process(settings, workers, headers, monkeypatch):
    monkeypatch.setenv("FLOWMASON_SYNC_WAIT_SECONDS", "150")
    with web_process(settings) as web, ThreadPoolExecutor(WAITING) as pool:
        asked = [pool.submit(post, web, "/api/v1/run", WAITS, headers) for _ in range(WAITING)]
        wait_until(lambda: followed() == WAITING, 100)
        assert post(web, "/api/v1/runs", {"pipeline_id": "nope"}, headers)[0] == 404

        workers.start()

        answers = [answer.result(200) for answer in asked]
        assert {status for status, _, _ in answers} == {200}
        assert len({json.loads(body)["run_id"] for _, _, body in answers}) == WAITING
        wait_until(lambda: followed() == 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/runs", {"pipeline_id": "greet", "input": {"n": 5}}),
        ("/api/v1/run", {"pipeline": "greet", "input": {"n": 5}}),
    ],
)
def test_copies_at_two_web_processes_start_one_run(settings, headers, monkeypatch, path, body):
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers 2")
    headers |= {"Idempotency-Key": "once"}

    with web_process(settings) as web, ThreadPoolExecutor(COPIES) as pool:
        asked = [pool.submit(post, web, path, body, headers) for _ in range(COPIES)]
        answers = [answer.result(200) for answer in asked]

    assert {status for status, _, _ in answers} == {202}
    assert len({text for _, _, text in answers}) == 1
    replayed = [told["Idempotent-Replayed"] for _, told, _ in answers]
    assert (replayed.count("true"), replayed.count(None)) == (COPIES - 1, 1)
    assert Run.select().count() == 1
