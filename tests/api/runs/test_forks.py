"""Replay and what-if over HTTP (contract 05); the test is the worker."""

from __future__ import annotations

import threading

import pytest

from app.models import Run
from app.services.runs import drive
from tests.api.conftest import GOOD, problem
from tests.conftest import wait_until

LAST = {"input": {"n": 1}}


@pytest.fixture
def past(client):
    """A run that is over: its id, and that of its last snapshot."""
    client.post("/api/v1/pipelines", json=GOOD)
    run = client.post("/api/v1/runs", json={"pipeline_id": "greet", "input": {"n": 5}}).json["id"]
    drive.advance_run()
    timeline = client.get(f"/api/v1/time-travel/{run}/timeline").json
    return run, timeline["entries"][-1]["id"]


@pytest.fixture
def impatient(changed_app, new_key):
    """A client of a Studio that waits for no run."""
    client = changed_app(sync_wait_seconds=0).test_client()
    client.environ_base["HTTP_X_API_KEY"] = new_key()
    return client


def path(run_id: str, deed: str) -> str:
    return f"/api/v1/time-travel/{run_id}/{deed}"


def test_replay_is_accepted_and_found_at_its_location(client, past):
    run, snapshot = past

    accepted = client.post(path(run, "replay"), json={"snapshot_id": snapshot})

    assert accepted.status_code == 202
    fork = client.get(accepted.headers["Location"]).json
    assert fork["forked_from"] == {"run_id": run, "snapshot_id": snapshot}
    assert accepted.json == fork


def test_repeated_replay_gives_the_first_answer(client, past):
    run, snapshot = past
    arguments = {"json": {"snapshot_id": snapshot}, "headers": {"Idempotency-Key": "k"}}
    first = client.post(path(run, "replay"), **arguments)
    drive.advance_run()

    again = client.post(path(run, "replay"), **arguments)

    assert (again.status_code, again.data) == (202, first.data)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Run.select().count() == 2


def test_what_if_waits_for_its_end_and_compares(client, past, own_hub):
    run, snapshot = past
    answers: list = []
    body = {"snapshot_id": snapshot, "changes": {"input": {"n": 6}}}
    asking = threading.Thread(
        target=lambda: answers.append(client.post(path(run, "what-if"), json=body))
    )
    asking.start()
    wait_until(lambda: list(own_hub._listeners))

    drive.advance_run()

    asking.join(30)
    (answer,) = answers
    assert (answer.status_code, answer.json["status"]) == (200, "completed")
    assert answer.json["differences"] == [{"path": "/result/v", "old": 5, "new": 6}]
    assert client.get(answer.headers["Location"]).json == answer.json


def test_what_if_that_goes_on_is_a_202(impatient, past, own_hub):
    run, snapshot = past
    body = {"snapshot_id": snapshot, "changes": {"input": {"n": 6}}}

    answer = impatient.post(path(run, "what-if"), json=body)

    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    assert answer.json["stages"] == answer.json["differences"] == []
    drive.advance_run()
    assert impatient.get(answer.headers["Location"]).json["outputs_identical"] is False


def test_repeated_what_if_waits_on_the_same_run(impatient, past, own_hub):
    run, snapshot = past
    body = {"snapshot_id": snapshot, "changes": {"input": {"n": 6}}}
    key = {"Idempotency-Key": "k"}
    first = impatient.post(path(run, "what-if"), json=body, headers=key)
    drive.advance_run()

    again = impatient.post(path(run, "what-if"), json=body, headers=key)

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json["what_if_run_id"] == first.json["what_if_run_id"]
    assert again.headers["Idempotent-Replayed"] == "true"


ODD = {
    "no snapshot": ({}, "/snapshot_id"),
    "snapshot of another kind": ({"snapshot_id": 5}, "/snapshot_id"),
    "nul": ({"snapshot_id": "a\0"}, "/snapshot_id"),
    "unknown member": ({"snapshot_id": "x", "more": 1}, "/more"),
    "input": ({"snapshot_id": "x", "input": [1]}, "/input"),
    "overrides": ({"snapshot_id": "x", "stage_overrides": []}, "/stage_overrides"),
    "one override": ({"snapshot_id": "x", "stage_overrides": {"a": 1}}, "/stage_overrides/a"),
    "its member": (
        {"snapshot_id": "x", "stage_overrides": {"a~/b": {"on_error": "continue"}}},
        "/stage_overrides/a~0~1b/on_error",
    ),
    "its config": (
        {"snapshot_id": "x", "stage_overrides": {"a": {"config": None}}},
        "/stage_overrides/a/config",
    ),
}


@pytest.mark.parametrize(("body", "pointer"), ODD.values(), ids=ODD)
def test_odd_replay_is_refused_at_its_place(client, past, body, pointer):
    refused = problem(client.post(path(past[0], "replay"), json=body), 422, "validation-failed")

    assert list(refused["errors"]) == [pointer]


ASKED = {
    "no changes": ({}, "/changes"),
    "empty changes": ({"changes": {}}, "/changes"),
    "null": ({"changes": None}, "/changes"),
    "unknown change": ({"changes": {"input": {}, "more": 1}}, "/changes/more"),
    "input": ({"changes": {"input": 5}}, "/changes/input"),
    "outputs": ({"changes": {"stage_outputs": []}}, "/changes/stage_outputs"),
    "config": ({"changes": {"stage_config": {"a": 5}}}, "/changes/stage_config/a"),
    "dry": ({"changes": {"input": {}}, "dry_run": 1}, "/dry_run"),
    "live": ({"changes": {"input": {}}, "live": "a"}, "/live"),
    "one live": ({"changes": {"input": {}}, "live": [5]}, "/live/0"),
}


@pytest.mark.parametrize(("body", "pointer"), ASKED.values(), ids=ASKED)
def test_odd_what_if_is_refused_at_its_place(client, past, body, pointer):
    body = {"snapshot_id": past[1], **body}

    refused = problem(client.post(path(past[0], "what-if"), json=body), 422, "validation-failed")

    assert list(refused["errors"]) == [pointer]


WILD = {
    "nul in a name": {"changes": {"stage_outputs": {"a\0": 1}}},
    "nul in a variable": {"changes": {"vars": {"v\0": "\0"}}},
    "long names": {"changes": {"stage_config": {"x" * 100_000: {}}}},
    "deep config": {"changes": {"stage_config": {"a": {"data": 40 * [1]}}}},
    "template in an output": {"changes": {"stage_outputs": {"a": "{{ broken"}}},
    "huge number": {"changes": {"input": {"n": 2**63 - 1}}},
    "unicode": {"changes": {"vars": {"\u202e": "\U0001f600"}}},
}


@pytest.mark.parametrize("body", WILD.values(), ids=WILD)
def test_wild_what_if_is_no_defect(impatient, past, own_hub, body):
    run, snapshot = past

    answer = impatient.post(path(run, "what-if"), json={"snapshot_id": snapshot, **body})

    assert answer.status_code in (202, 422)
    drive.advance_run()
    assert impatient.get(f"/api/v1/runs/{run}").status_code == 200
    assert Run.select().where(Run.status == "running").count() == 0


@pytest.mark.parametrize("deed", ["replay", "what-if"])
@pytest.mark.parametrize(
    ("run_id", "snapshot_id"),
    [("there", "snp-0"), ("there", "run-01jz8xw3kd1v3qf1n8r5y2t6ma"), ("run-0", "there")],
)
def test_unknown_run_or_snapshot_is_a_404(client, past, deed, run_id, snapshot_id):
    run, snapshot = past
    body = {
        "snapshot_id": snapshot_id if snapshot_id != "there" else snapshot,
        **({"changes": {"input": {}}} if deed == "what-if" else {}),
    }

    refused = client.post(path(run if run_id == "there" else run_id, deed), json=body)

    problem(refused, 404, "not-found")


@pytest.mark.parametrize("deed", ["replay", "what-if"])
def test_run_that_goes_on_is_a_409(client, past, deed):
    run, snapshot = past
    Run.update(status="running").where(Run.id == run).execute()
    body = {"snapshot_id": snapshot}
    body |= {"changes": {"input": {}}} if deed == "what-if" else {}

    problem(client.post(path(run, deed), json=body), 409, "illegal-move")
