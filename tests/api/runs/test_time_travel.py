"""Looking back at runs over HTTP (contract 05, Snapshots)."""

from __future__ import annotations

import pytest

from app.core.ids import new_id
from app.services.runs import drive

PATH = "/api/v1/time-travel"


def stage(id: str, kind: str, *needs: str, **members: object) -> dict:
    return {"id": id, "component_type": kind, "depends_on": list(needs), "config": members}


TWO = (
    stage("a", "json_transform", data={"n": "{{ input.n }}", "password": "p"}),
    stage("b", "json_transform", data="{{ upstream.a.result.n + 1 }}"),
)


@pytest.fixture
def ran(client):
    """Runs a pipeline of these stages to its end; gives the run."""

    def ran(*stages: dict, input: dict | None = None) -> dict:
        document = {"name": f"p{new_id('req')[4:]}", "stages": list(stages)}
        assert client.post("/api/v1/pipelines", json=document).status_code == 201
        body = {"pipeline_id": document["name"], "input": input or {}}
        run = client.post("/api/v1/runs", json=body).json
        drive.advance_run()
        return client.get(f"/api/v1/runs/{run['id']}").json

    return ran


@pytest.fixture
def timeline(client):
    def timeline(run: dict) -> dict:
        return client.get(f"{PATH}/{run['id']}/timeline").json

    return timeline


@pytest.fixture
def opened(client, timeline):
    """The states of a run, in order."""

    def opened(run: dict) -> list[dict]:
        ids = [entry["id"] for entry in timeline(run)["entries"]]
        return [client.get(f"{PATH}/{run['id']}/snapshots/{id}").json for id in ids]

    return opened


def test_timeline_tells_each_end_in_order(ran, timeline):
    run = ran(*TWO, input={"n": 1})

    told = timeline(run)

    assert [(e["seq"], e["snapshot_type"], e["stage_id"]) for e in told["entries"]] == [
        (0, "run_start", None),
        (1, "stage_complete", "a"),
        (2, "stage_complete", "b"),
    ]
    assert [e["is_current"] for e in told["entries"]] == [False, False, True]
    assert [e["has_output"] for e in told["entries"]] == [False, True, True]
    assert told["entries"][2]["output_preview"].startswith('{"result":2')
    assert told["total_snapshots"] == 3
    assert told["total_duration_ms"] == run["duration_ms"]
    assert (told["current_index"], told["can_step_back"], told["can_step_forward"]) == (
        2,
        True,
        False,
    )
    assert told["current_snapshot_id"] == told["entries"][2]["id"]


def test_states(ran, opened):
    start, a, b = opened(ran(*TWO, input={"n": 1}))

    assert start["input"] == {"n": 1}
    assert start["pending_stages"] == ["a", "b"]
    assert start["accumulated_outputs"] == start["variables"] == {}
    assert a["stage_input"] == {"data": {"n": 1, "password": "***"}}
    assert a["stage_output"]["result"] == {"n": 1, "password": "p"}
    assert b["stage_input"] == {"data": 2}
    assert b["accumulated_outputs"] == {"a": a["stage_output"], "b": b["stage_output"]}
    assert (b["completed_stages"], b["pending_stages"]) == (["a", "b"], [])


def test_states_in_a_loop(ran, opened):
    run = ran(
        stage("x", "json_transform", data=[5, 6]),
        stage("each", "foreach", items="{{ upstream.x.result }}", loop_stages=["s", "t"]),
        stage("s", "variable_set", name="v", value="{{ item }}"),
        stage("t", "json_transform", "s", data="{{ [vars.v, context.index] }}"),
    )

    states = opened(run)

    assert [s["stage_id"] for s in states] == [None, "x", "s", "t", "s", "t", "each"]
    assert states[5]["stage_input"] == {"data": [6, 1]}
    assert {*states[5]["accumulated_outputs"]} == {"x", "s", "t"}
    assert [s["variables"] for s in states[2:]] == [
        {"v": 5},
        {"v": 5},
        {"v": 6},
        {"v": 6},
        {"v": 6},
    ]
    assert {*states[6]["accumulated_outputs"]} == {"x", "each"}
    assert states[6]["stage_input"]["items"] == [5, 6]
