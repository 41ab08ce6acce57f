"""Idempotency-Key on the routes that start runs (contract 00, Idempotency)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from app.core import clock
from app.infra import database
from app.models import IdempotencyKey, Pipeline, Run
from app.services.housekeeping import purge_expired
from app.services.runs import drive
from tests.api.conftest import GOOD, problem

COPIES = 100
KEY = {"Idempotency-Key": "once"}
ROUTES = [
    ("/api/v1/runs", {"pipeline_id": "greet", "input": {"n": 5}}),
    ("/api/v1/run", {"pipeline": "greet", "input": {"n": 5}}),
]
routes = pytest.mark.parametrize(("path", "body"), ROUTES, ids=["runs", "run"])


@pytest.fixture(autouse=True)
def pipeline(client):
    """A saved pipeline called `greet`."""
    return client.post("/api/v1/pipelines", json=GOOD).json


@routes
def test_of_many_copies_at_once_one_starts_the_run_and_all_get_its_answer(
    app, client, settings, path, body
):
    database.disconnect()
    database.connect(settings.database_url, max_connections=20)
    ready = Barrier(COPIES)

    def ask(_):
        own = app.test_client()
        own.environ_base.update(client.environ_base)
        ready.wait(60)
        return own.post(path, json=body, headers=KEY)

    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(ask, range(COPIES)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({(answer.data, answer.headers["Location"]) for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert (replayed.count("true"), replayed.count(None)) == (COPIES - 1, 1)
    assert Run.select().count() == 1


@routes
def test_first_answer_is_given_again_after_the_run_has_moved_on(client, path, body):
    first = client.post(path, json=body, headers=KEY)
    drive.advance_run()

    second = client.post(path, json=body, headers=KEY)

    assert (second.status_code, second.data) == (202, first.data)
    assert second.headers["Location"] == first.headers["Location"]
    assert client.get(first.headers["Location"]).json["status"] == "completed"


@routes
def test_first_answer_is_given_again_when_the_pipeline_is_gone(client, path, body):
    first = client.post(path, json=body, headers=KEY)
    Pipeline.update(deleted_at=clock.now()).execute()

    second = client.post(path, json=body, headers=KEY)

    assert second.data == first.data
    problem(client.post(path, json=body), 404, "not-found")


@pytest.mark.parametrize("change", [{"input": {"n": 6}}, {"input": {}}, {"async_mode": True}])
def test_key_with_another_body_is_422(client, change):
    path, body = ROUTES[1]
    client.post(path, json=body, headers=KEY)

    problem(client.post(path, json=body | change, headers=KEY), 422, "idempotency-mismatch")
    assert Run.select().count() == 1


def test_key_of_another_route_is_another_key(client):
    for path, body in ROUTES:
        assert "Idempotent-Replayed" not in client.post(path, json=body, headers=KEY).headers

    assert Run.select().count() == 2


@routes
@pytest.mark.parametrize("purged", [False, True], ids=["kept", "purged"])
def test_expired_key_starts_anew(client, path, body, purged):
    client.post(path, json=body, headers=KEY)
    IdempotencyKey.update(expires_at=clock.now() - timedelta(seconds=1)).execute()
    if purged:
        assert purge_expired()

    second = client.post(path, json={**body, "input": {"n": 6}}, headers=KEY)

    assert (second.status_code, "Idempotent-Replayed" in second.headers) == (202, False)
    assert Run.select().count() == 2


def test_key_is_kept_for_24_hours(client):
    client.post(ROUTES[0][0], json=ROUTES[0][1], headers=KEY)

    held = IdempotencyKey.get()

    assert held.expires_at - held.created_at == timedelta(hours=24)


def test_other_routes_ignore_the_header(client):
    bad = {"Idempotency-Key": "has blank"}

    assert client.get("/api/v1/pipelines", headers=bad).status_code == 200
    assert (
        client.post("/api/v1/pipelines", json=GOOD | {"name": "b"}, headers=bad).status_code == 201
    )
