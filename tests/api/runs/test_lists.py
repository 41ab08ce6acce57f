"""The list of runs and the pages of stage runs over HTTP: what is asked wrongly, and by whom."""

from __future__ import annotations

import pytest

from tests.api.conftest import GOOD, problem

RUNS = "/api/v1/runs"


@pytest.fixture
def run(client):
    """A run that waits, as it was accepted."""
    client.post("/api/v1/pipelines", json=GOOD)
    return client.post(RUNS, json={"pipeline_id": "greet", "input": {"n": 5}}).json


@pytest.fixture
def stages(run):
    """Where its stage runs are listed."""
    return f"{RUNS}/{run['id']}/stages"


def test_summary_is_the_run_without_its_large_members(client, run):
    listed = client.get(RUNS).json

    left_out = ("input", "output", "stages", "stages_truncated", "breakpoints")
    shown = client.get(f"{RUNS}/{run['id']}").json
    assert listed == {
        "items": [{name: value for name, value in shown.items() if name not in left_out}],
        "next": None,
    }


def test_stage_runs_are_those_of_the_run(client, run, stages):
    assert client.get(stages + "?count=true").json == {
        "items": run["stages"],
        "next": None,
        "total": 1,
    }


def test_every_filter_at_once_is_taken(client, run):
    query = {
        "status": ["pending", "running"],
        "pipeline_id": "greet@1.0.0",
        "trigger": "api",
        "created_after": "2000-01-01T00:00:00+14:00",
        "created_before": "9999-12-31T23:59:59.9999Z",
        "count": "true",
    }

    listed = client.get(RUNS, query_string=query).json

    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([run["id"]], 1)


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "status=pending&status=",
        "status=%00",
        "trigger=cron",
        "trigger=api&trigger=test",
        "pipeline_id=a%00b",
        "pipeline_id=a&pipeline_id=b",
        "parent_run_id=%00",
        "parent_run_id=a&parent_run_id=b",
        "created_after=2026-03-02T12:00:00",
        "created_after=2026-03-02",
        "created_after=0001-01-01T00:00:00%2B14:00",
        "created_before=now",
        "created_before=2026-03-02T12:00:00Z&created_before=2026-03-02T12:00:00Z",
        "limit=0",
        "limit=201",
        "limit=99999999999999999999",
        "limit=1&limit=2",
        "count=1",
        "cursor=a&cursor=b",
        "cursor=%00",
        "stage_id=a",
        "state=pending",
    ],
)
def test_wrong_query_is_422_under_its_name(client, run, query):
    refused = problem(client.get(f"{RUNS}?{query}"), 422, "validation-failed")

    assert list(refused["errors"]) == [query.split("=")[0]]


@pytest.mark.parametrize("query", ["status=done", "status=failed&status=failed", "stage_id=%00"])
def test_wrong_query_of_stages_is_422_under_its_name(client, stages, query):
    refused = problem(client.get(f"{stages}?{query}"), 422, "validation-failed")

    assert list(refused["errors"]) == [query.split("=")[0]]


@pytest.mark.parametrize(
    "query",
    [
        "created_after=0001-01-01T00:00:00Z",
        "created_before=9999-12-31T23:59:59.999999Z",
        "created_after=1969-12-31T23:59:59.5Z",
    ],
)
def test_times_at_the_edge_let_all_runs_pass(client, run, query):
    assert len(client.get(f"{RUNS}?{query}").json["items"]) == 1


def test_time_before_all_runs_lets_none_pass(client, run):
    assert client.get(f"{RUNS}?created_before=0001-01-01T00:00:00Z").json["items"] == []


@pytest.mark.parametrize("parent", ["run-1", "x" * 3000, "%F0%9F%98%80", "'"])
def test_unknown_parent_has_no_children(client, run, parent):
    assert client.get(f"{RUNS}?parent_run_id={parent}").json == {"items": [], "next": None}


def test_unknown_pipeline_in_the_query_is_404(client, run):
    problem(client.get(f"{RUNS}?pipeline_id=nope"), 404, "not-found")


@pytest.mark.parametrize("cursor", ["x", "%F0%9F%98%80", "W10", "W251bGxd", "a" * 5000])
def test_cursor_that_was_not_issued_is_400(client, stages, cursor):
    problem(client.get(f"{RUNS}?cursor={cursor}"), 400, "bad-cursor")
    problem(client.get(f"{stages}?cursor={cursor}"), 400, "bad-cursor")


def test_cursor_with_other_filters_is_400(client, run):
    client.post(RUNS, json={"pipeline_id": "greet"})
    cursor = client.get(f"{RUNS}?limit=1").json["next"]

    assert client.get(f"{RUNS}?cursor={cursor}").status_code == 200
    problem(client.get(f"{RUNS}?cursor={cursor}&trigger=api"), 400, "bad-cursor")
