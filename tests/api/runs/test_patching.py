"""Hot patches over HTTP; a worker only where a test drives one."""

from __future__ import annotations

import pytest

from app.services.runs import drive
from tests.api.conftest import problem

RUNS = "/api/v1/runs"
STEPS = {
    "name": "steps",
    "output_stage_id": "b",
    "stages": [
        {"id": "a", "component_type": "json_transform", "config": {"data": 1}},
        {
            "id": "b",
            "component_type": "json_transform",
            "config": {"data": "{{ upstream.a.result + 1 }}"},
        },
    ],
}


@pytest.fixture
def run_id(client) -> str:
    """A run that stands before `b`."""
    client.post("/api/v1/pipelines", json=STEPS)
    started = client.post(RUNS, json={"pipeline_id": "steps", "breakpoints": ["b"]}).json
    drive.advance_run()
    return started["id"]


def finished(client, run_id: str) -> dict:
    client.post(f"{RUNS}/{run_id}/resume", json={})
    client.post(f"{RUNS}/{run_id}/clear-breakpoint", json={})
    drive.advance_run()
    return client.get(f"{RUNS}/{run_id}").json


def test_patched_run_goes_on_as_it_was_told(client, run_id):
    told = client.post(f"{RUNS}/{run_id}/patch", json={"stage_config": {"b": {"data": "new"}}})

    assert told.status_code == 200
    assert (told.json["status"], told.json["paused_before"]) == ("paused", "b")
    assert finished(client, run_id)["output"]["result"] == "new"


def test_all_runs_that_stand_there_are_patched(client, run_id):
    body = {"pipeline_id": "steps", "paused_before": "b", "stage_outputs": {"b": {"result": 0}}}

    told = client.post(f"{RUNS}/patch", json=body)

    assert (told.status_code, told.json["patched"]) == (200, [run_id])
    assert finished(client, run_id)["output"]["result"] == 0


def test_patch_of_a_run_that_is_over_is_refused(client, run_id):
    finished(client, run_id)

    refused = client.post(f"{RUNS}/{run_id}/patch", json={"stage_config": {"b": {"data": 1}}})

    problem(refused, 409, "illegal-move")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"stage_config": {}}, ""),
        ({"stage_config": {"b": 1}}, "/stage_config/b"),
        ({"stage_config": [1]}, "/stage_config"),
        ({"stage_outputs": "b"}, "/stage_outputs"),
        ({"stage_config": {"a": {"data": 2}}}, "/stage_config/a"),
        ({"stage_config": {"b": {"data": "{{ ( }}"}}}, "/stage_config/b/data"),
        ({"stage_outputs": {"b": 1}, "reason": "x"}, "/reason"),
    ],
)
def test_bad_patch_is_told_at_its_place(client, run_id, body, pointer):
    refused = client.post(f"{RUNS}/{run_id}/patch", json=body)

    assert refused.status_code == 422
    assert [*refused.json["errors"]] == [pointer]
    assert finished(client, run_id)["output"]["result"] == 2
