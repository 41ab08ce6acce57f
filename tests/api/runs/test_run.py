"""POST /run: accepted at once, or waited for; the test is the worker."""

from __future__ import annotations

import threading

import pytest

from app.infra import bus
from app.infra.database import release
from app.models import Run
from app.services.runs import drive
from tests.api.conftest import GOOD, problem
from tests.conftest import wait_until

PATH = "/api/v1/run"
WAITS = {"pipeline": "greet", "input": {"n": 5}, "async_mode": False}
NOTHING_DELIVERED = {
    "total": 0,
    "delivered": 0,
    "pending": 0,
    "failed": 0,
    "blocked": 0,
    "results": [],
}


@pytest.fixture
def pipeline(client):
    """A saved pipeline called `greet`."""
    return client.post("/api/v1/pipelines", json=GOOD).json


@pytest.fixture
def impatient(changed_app, new_key):
    """A client of a Studio that waits for no run."""
    client = changed_app(sync_wait_seconds=0).test_client()
    client.environ_base["HTTP_X_API_KEY"] = new_key()
    return client


class Request(threading.Thread):
    """POST /run from another thread; `answer` once it is joined."""

    def __init__(self, client, body: dict, **headers: str) -> None:
        super().__init__()
        self.ask = lambda: client.post(PATH, json=body, headers=headers)
        self.start()

    def run(self) -> None:
        self.answer = self.ask()

    def answered(self):
        self.join(30)
        return self.answer


def joined_runs(hub) -> list[str]:
    return list(hub._listeners)


def test_run_is_accepted_and_found_at_its_location(client, pipeline):
    accepted = client.post(PATH, json={"pipeline": "greet@1.0.0", "input": {"n": 5}})

    run = client.get(accepted.headers["Location"]).json
    assert accepted.status_code == 202
    assert accepted.json == {
        "run_id": run["id"],
        "pipeline_id": pipeline["id"],
        "pipeline_name": "greet",
        "pipeline_version": "1.0.0",
        "status": "pending",
        "message": "The run waits for a worker.",
    }


def test_waiting_request_is_answered_when_its_run_completes(client, pipeline, own_hub):
    request = Request(client, WAITS)
    wait_until(lambda: joined_runs(own_hub))

    drive.advance_run()

    answer = request.answered()
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["message"]) == ("completed", "The run completed.")
    assert answer.json["result"]["result"] == {"v": 5}
    assert (answer.json["error"], answer.json["delivery_report"]) == (None, NOTHING_DELIVERED)
    assert answer.headers["Location"] == f"/api/v1/runs/{answer.json['run_id']}"
    assert joined_runs(own_hub) == []


def test_failed_run_is_a_200_with_its_error(client, pipeline, own_hub):
    request = Request(client, {**WAITS, "input": {}})
    wait_until(lambda: joined_runs(own_hub))

    drive.advance_run()

    answer = request.answered()
    assert (answer.status_code, answer.json["status"]) == (200, "failed")
    assert answer.json["error"]["stage_id"] == "a"
    assert (answer.json["result"], answer.json["delivery_report"]) == (None, NOTHING_DELIVERED)


def test_run_that_is_not_over_in_time_is_a_202_and_goes_on(impatient, pipeline, own_hub):
    answer = impatient.post(PATH, json=WAITS)

    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    told = [answer.json[name] for name in ("result", "error", "delivery_report")]
    assert told == [None, None, None]
    drive.advance_run()
    assert impatient.get(answer.headers["Location"]).json["status"] == "completed"


def test_waiting_request_holds_no_connection(client, pipeline, own_hub):
    request = Request(client, WAITS)
    wait_until(lambda: joined_runs(own_hub))

    pool = Run._meta.database.obj
    release()
    wait_until(lambda: not pool._in_use)
    drive.advance_run()
    assert request.answered().status_code == 200


def test_run_that_ends_while_redis_is_away_is_found_by_the_watch(
    client, pipeline, own_hub, monkeypatch
):
    monkeypatch.setattr(own_hub, "_watch_seconds", 0.05)
    bus.connect("redis://127.0.0.1:1/0")
    request = Request(client, WAITS)
    wait_until(lambda: joined_runs(own_hub))

    drive.advance_run()

    assert request.answered().json["status"] == "completed"


def test_end_of_the_process_answers_with_where_the_run_stands(client, pipeline, own_hub):
    request = Request(client, WAITS)
    wait_until(lambda: joined_runs(own_hub))

    own_hub.close_all()

    answer = request.answered()
    assert (answer.status_code, answer.json["status"]) == (202, "pending")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"pipeline": None}, "/pipeline"),
        ({"pipeline": "a\0"}, "/pipeline"),
        ({"input": []}, "/input"),
        ({"async_mode": "false"}, "/async_mode"),
        ({"async_mode": 0}, "/async_mode"),
        ({"async_mode": None}, "/async_mode"),
        ({"output_config": {}}, "/output_config"),
        ({"callback_url": "http://127.0.0.1/"}, "/callback_url"),
        ({"pipeline_id": "greet"}, "/pipeline_id"),
    ],
)
def test_wrong_field_is_422_at_its_pointer_and_starts_nothing(client, pipeline, change, pointer):
    answer = client.post(PATH, json={"pipeline": "greet", **change})

    assert list(problem(answer, 422, "validation-failed")["errors"]) == [pointer]
    assert Run.select().count() == 0


def test_unknown_pipeline_and_bad_input_are_refused_before_any_wait(client, pipeline):
    problem(client.post(PATH, json={**WAITS, "pipeline": "nope"}), 404, "not-found")
    problem(client.post(PATH, json={**WAITS, "input": {"n": "x"}}), 422, "invalid-input")
    assert Run.select().count() == 0


def test_traceparent_gives_the_run_its_trace_id(client, pipeline):
    trace = "0af7651916cd43dd8448eb211c80319c"

    run_id = client.post(
        PATH, json={"pipeline": "greet"}, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    ).json["run_id"]

    assert Run.get_by_id(run_id).trace_id == trace


def test_repeated_waiting_request_waits_on_the_same_run(client, pipeline, own_hub, app):
    first = Request(client, WAITS, **{"Idempotency-Key": "once"})
    wait_until(lambda: joined_runs(own_hub))
    second_client = app.test_client()
    second_client.environ_base.update(client.environ_base)
    second = Request(second_client, WAITS, **{"Idempotency-Key": "once"})
    wait_until(lambda: [len(ears) for ears in own_hub._listeners.values()] == [2])

    drive.advance_run()

    answers = [first.answered(), second.answered()]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].data == answers[1].data
    assert "Idempotent-Replayed" not in answers[0].headers
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert Run.select().count() == 1
