"""Commands to runs over HTTP; a worker only where a test drives one."""

from __future__ import annotations

import pytest

from app.infra import broker
from app.services.runs import drive
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


LOOP = {
    "name": "loop",
    "stages": [
        {
            "id": "each",
            "component_type": "foreach",
            "config": {"items": [1, 2], "loop_stages": ["do"]},
        },
        {"id": "do", "component_type": "json_transform", "config": {"data": "{{ item }}"}},
        {
            "id": "end",
            "component_type": "json_transform",
            "config": {"data": 1},
            "depends_on": ["each"],
        },
    ],
}


@pytest.fixture
def start(client, settings):
    """Starts a run of LOOP; gives the answer."""
    broker.connect(settings.broker_url)
    client.post("/api/v1/pipelines", json=LOOP)

    def start(headers=None, **members):
        return client.post(RUNS, json={"pipeline_id": "loop", **members}, headers=headers)

    return start


def test_run_is_led_from_breakpoint_to_breakpoint(client, start):
    run_id = start(breakpoints=[{"stage_id": "do", "condition": "item == 2"}, "end"]).json["id"]
    drive.advance_run()

    assert client.get(f"{RUNS}/{run_id}/status").json["paused_before"] == "do"
    told = client.post(f"{RUNS}/{run_id}/set-breakpoint", json={"on_error": True}).json
    assert (told["status"], told["mode"], told["paused_before"], told["paused_iteration"]) == (
        "paused",
        "paused",
        "do",
        [1],
    )
    assert told["breakpoints"] == [
        {"stage_id": "do", "condition": "item == 2", "on_error": False},
        {"stage_id": "end", "condition": None, "on_error": False},
        {"stage_id": None, "condition": None, "on_error": True},
    ]
    stepping = client.post(f"{RUNS}/{run_id}/step", json={}).json
    assert (stepping["status"], stepping["mode"], stepping["paused_before"]) == (
        "pending",
        "stepping",
        None,
    )
    drive.advance_run()
    assert client.get(f"{RUNS}/{run_id}/status").json["paused_before"] == "end"
    assert client.post(f"{RUNS}/{run_id}/resume").json["mode"] == "running"
    drive.advance_run()
    assert client.get(f"{RUNS}/{run_id}").json["status"] == "completed"


def test_pause_and_clear_breakpoint_answer_where_the_run_stands(client, start):
    run_id = start(breakpoints=["end"], stop_on_entry=True).json["id"]

    paused = client.post(f"{RUNS}/{run_id}/pause", json={}).json
    cleared = client.post(f"{RUNS}/{run_id}/clear-breakpoint", json={"stage_id": "end"}).json

    assert paused["status"] == cleared["status"] == "paused"
    assert (paused["paused_before"], cleared["paused_before"]) == ("each", "each")
    assert cleared["breakpoints"] == []


@pytest.mark.parametrize("name", ["pause", "resume", "step", "stop", "set-breakpoint"])
def test_command_to_a_final_run_is_an_illegal_move(client, run_id, name):
    client.post(f"{RUNS}/{run_id}/stop")
    body = {"on_error": True} if name == "set-breakpoint" else {}

    refused = client.post(f"{RUNS}/{run_id}/{name}", json=body)

    problem(refused, 409, "illegal-move")
    assert "cancelled" in refused.json["detail"]


WRONG = [
    ({}, "/stage_id"),
    ({"stage_id": "none"}, "/stage_id"),
    ({"stage_ids": ["end", "none"]}, "/stage_ids/1"),
    ({"stage_id": "end", "stage_ids": ["do"]}, "/stage_ids"),
    ({"stage_id": "end", "condition": "item ="}, "/condition"),
    ({"stage_id": "end", "condition": 'upstream["none"]'}, "/condition"),
    ({"stage_id": 5}, "/stage_id"),
    ({"stage_id": "\0"}, "/stage_id"),
    ({"stage_ids": "end"}, "/stage_ids"),
    ({"stage_ids": [5]}, "/stage_ids/0"),
    ({"stage_id": "end", "condition": True}, "/condition"),
    ({"stage_id": "end", "on_error": "yes"}, "/on_error"),
    ({"stage_id": "end", "more": 1}, "/more"),
]


@pytest.mark.parametrize(("body", "pointer"), WRONG)
def test_wrong_breakpoint_is_refused_at_its_pointer(client, start, body, pointer):
    run_id = start().json["id"]

    refused = client.post(f"{RUNS}/{run_id}/set-breakpoint", json=body)

    problem(refused, 422, "validation-failed")
    assert list(refused.json["errors"]) == [pointer]


WRONG_AT_START = [
    (["none"], "/breakpoints/0"),
    (["end", {"stage_id": "none"}], "/breakpoints/1/stage_id"),
    ([{}], "/breakpoints/0/stage_id"),
    ([{"stage_id": "end", "condition": "1 +"}], "/breakpoints/0/condition"),
    ([{"stage_id": "end", "condition": "upstream.none"}], "/breakpoints/0/condition"),
    ([{"on_error": 1}], "/breakpoints/0/on_error"),
    ([{"stage_id": "end", "more": 1}], "/breakpoints/0/more"),
    ([5], "/breakpoints/0"),
    ([None], "/breakpoints/0"),
    (["\0"], "/breakpoints/0"),
    ("end", "/breakpoints"),
]


@pytest.mark.parametrize(("breakpoints", "pointer"), WRONG_AT_START)
def test_run_with_a_wrong_breakpoint_is_not_started(client, start, breakpoints, pointer):
    refused = start(breakpoints=breakpoints)

    problem(refused, 422, "validation-failed")
    assert list(refused.json["errors"]) == [pointer]
    assert client.get(RUNS).json["items"] == []


def test_of_two_breakpoints_of_a_stage_and_kind_the_later_counts(start):
    given = ["end", {"stage_id": "end", "on_error": True}, {"stage_id": "end", "condition": "true"}]

    assert start(breakpoints=given).json["breakpoints"] == [
        {"stage_id": "end", "condition": None, "on_error": True},
        {"stage_id": "end", "condition": "true", "on_error": False},
    ]


def test_repeated_start_answers_the_first_breakpoints(client, start):
    key = {"Idempotency-Key": "once"}
    first = start(key, breakpoints=["do", {"on_error": True}])
    client.post(f"{RUNS}/{first.json['id']}/clear-breakpoint", json={})
    client.post(f"{RUNS}/{first.json['id']}/set-breakpoint", json={"stage_id": "end"})

    second = start(key, breakpoints=["do", {"on_error": True}])

    assert second.data == first.data
    assert second.headers["Idempotent-Replayed"] == "true"


def test_repeated_start_without_breakpoints_answers_none(client, start):
    key = {"Idempotency-Key": "once"}
    first = start(key)
    client.post(f"{RUNS}/{first.json['id']}/set-breakpoint", json={"stage_id": "end"})

    assert start(key).data == first.data
