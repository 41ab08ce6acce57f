"""Stopping runs over HTTP; no worker is near."""

from __future__ import annotations

import pytest

from tests.api.conftest import GOOD, problem

RUNS = "/api/v1/runs"


@pytest.fixture
def run_id(client) -> str:
    """A pending run."""
    client.post("/api/v1/pipelines", json=GOOD)
    return client.post(RUNS, json={"pipeline_id": "greet", "input": {"n": 5}}).json["id"]


@pytest.mark.parametrize("name", ["stop", "cancel"])
def test_pending_run_is_cancelled_at_once(client, run_id, name):
    answer = client.post(f"{RUNS}/{run_id}/{name}", json={})

    assert (answer.status_code, answer.json) == (
        200,
        {
            "run_id": run_id,
            "status": "cancelled",
            "mode": "stopped",
            "paused_before": None,
            "paused_iteration": [],
            "breakpoints": [],
        },
    )
    assert client.get(f"{RUNS}/{run_id}").json["status"] == "cancelled"


def test_stop_of_a_final_run_is_refused_with_both_states(client, run_id):
    client.post(f"{RUNS}/{run_id}/stop")

    refused = client.post(f"{RUNS}/{run_id}/stop")

    problem(refused, 409, "illegal-move")
    assert refused.json["detail"] == "A cancelled run cannot become cancelled."


def test_stop_of_an_unknown_run_is_absent(client):
    problem(client.post(f"{RUNS}/run-unknown/stop"), 404, "not-found")
    problem(client.post(f"{RUNS}/%00/stop"), 404, "not-found")


def test_stop_with_a_field_is_refused(client, run_id):
    refused = client.post(f"{RUNS}/{run_id}/stop", json={"force": True})

    problem(refused, 422, "validation-failed")
    assert refused.json["errors"].keys() == {"/force"}
