"""/runs over HTTP; no worker is near, so runs stay pending."""

from __future__ import annotations

import pytest

from app.core.ids import is_id
from app.models.runs import Run
from tests.api.conftest import GOOD, problem

RUNS = "/api/v1/runs"
BODY = {"pipeline_id": "greet", "input": {"n": 5}}


@pytest.fixture
def pipeline(client):
    """A saved pipeline called `greet`."""
    return client.post("/api/v1/pipelines", json=GOOD).json


def test_run_is_accepted_as_pending_and_found_at_its_location(client, pipeline):
    accepted = client.post(RUNS, json=BODY)

    shown = client.get(accepted.headers["Location"]).json
    assert accepted.status_code == 202
    assert (shown["id"], shown["status"], shown["input"]) == (
        accepted.json["run_id"],
        "pending",
        {"n": 5},
    )
    assert (shown["pipeline_id"], shown["pipeline_version"]) == (pipeline["id"], "1.0.0")


def test_accepted_run_is_answered_as_it_is_read(client, pipeline):
    accepted = client.post(RUNS, json={**BODY, "metadata": {"z": 1, "a": "\0"}}).json

    assert client.get(f"{RUNS}/{accepted['id']}").json == accepted


def test_overviews_polling_example_works_as_printed(local):
    local.post("/api/v1/pipelines", json={"name": "my-pipeline"})

    run = local.post(
        RUNS, json={"pipeline_id": "my-pipeline", "input": {"url": "https://example.com"}}
    ).json
    status = local.get(f"{RUNS}/{run['run_id']}/status").json

    assert (status["status"], status["progress"]) == ("pending", {"completed": 0, "total": 0})


def test_run_remembers_who_started_it(client, pipeline, new_key):
    shown = client.post(RUNS, json=BODY).json

    assert (shown["created_by"], shown["auth_type"]) == (new_key.owner.user_id, "api_key")


def test_run_without_events_has_none(client, pipeline):
    run_id = client.post(RUNS, json=BODY).json["id"]

    assert client.get(f"{RUNS}/{run_id}/events?after_seq=0").json == {"items": [], "next": None}


@pytest.mark.parametrize("reference", ["greet", "greet@1.0.0", "{id}", "{id}@1.0.0"])
def test_pipeline_may_be_named_in_every_way(client, pipeline, reference):
    answer = client.post(RUNS, json={"pipeline_id": reference.format(id=pipeline["id"])})

    assert answer.status_code == 202


@pytest.mark.parametrize("reference", ["nope", "greet@9.9.9", "pl-1", "@"])
def test_unknown_pipeline_is_404(client, pipeline, reference):
    problem(client.post(RUNS, json={"pipeline_id": reference}), 404, "not-found")


def test_other_organisations_pipeline_and_run_are_absent(client, pipeline, rival):
    run_id = client.post(RUNS, json=BODY).json["id"]

    problem(rival.post(RUNS, json={"pipeline_id": pipeline["id"]}), 404, "not-found")
    for path in (run_id, f"{run_id}/status", f"{run_id}/events"):
        problem(rival.get(f"{RUNS}/{path}"), 404, "not-found")


def test_input_that_breaks_the_schema_is_told_by_pointer_and_starts_nothing(client, pipeline):
    answer = client.post(RUNS, json={"pipeline_id": "greet", "input": {"n": "five"}})

    assert list(problem(answer, 422, "invalid-input")["errors"]) == ["/input/n"]
    assert Run.select().count() == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/pipeline_id"),
        ({"pipeline_id": 7}, "/pipeline_id"),
        ({"pipeline_id": ""}, "/pipeline_id"),
        ({"pipeline_id": "a\0"}, "/pipeline_id"),
        ({"pipeline_id": "greet", "input": []}, "/input"),
        ({"pipeline_id": "greet", "input": None}, "/input"),
        ({"pipeline_id": "greet", "priority": "urgent"}, "/priority"),
        ({"pipeline_id": "greet", "priority": 1}, "/priority"),
        ({"pipeline_id": "greet", "metadata": "x"}, "/metadata"),
        ({"pipeline_id": "greet", "metadata": {"x": "y" * 16_384}}, "/metadata"),
        ({"pipeline_id": "greet", "inputs": {}}, "/inputs"),
    ],
)
def test_wrong_field_is_422_at_its_pointer_and_starts_nothing(client, pipeline, body, pointer):
    answer = client.post(RUNS, json=body)

    assert list(problem(answer, 422, "validation-failed")["errors"]) == [pointer]
    assert Run.select().count() == 0


def test_metadata_of_just_16_kib_is_kept(client, pipeline):
    metadata = {"x": "y" * (16 * 1024 - len('{"x":""}'))}

    assert client.post(RUNS, json={**BODY, "metadata": metadata}).json["metadata"] == metadata


def test_input_over_the_bound_of_bodies_is_413_and_starts_nothing(changed_app, new_key, pipeline):
    small = changed_app(max_body_bytes=500).test_client()

    answer = small.post(
        RUNS,
        json={"pipeline_id": "greet", "input": {"text": "x" * 500}},
        headers={"X-API-Key": new_key()},
    )

    assert problem(answer, 413, "too-large")["limit_bytes"] == 500
    assert Run.select().count() == 0


@pytest.mark.parametrize("priority", ["low", "normal", "high"])
def test_run_keeps_its_priority(client, pipeline, priority):
    assert client.post(RUNS, json={**BODY, "priority": priority}).json["priority"] == priority


def test_repeated_request_with_its_key_starts_nothing_new(client, pipeline):
    first = client.post(RUNS, json=BODY, headers={"Idempotency-Key": "once"})
    second = client.post(
        RUNS,
        data='{"input": {"n": 5}, "pipeline_id": "greet"}',
        content_type="application/json",
        headers={"Idempotency-Key": "once"},
    )

    assert (second.status_code, second.json) == (202, first.json)
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Run.select().count() == 1


def test_key_with_another_body_is_422(client, pipeline):
    client.post(RUNS, json=BODY, headers={"Idempotency-Key": "once"})

    answer = client.post(
        RUNS, json={**BODY, "input": {"n": 6}}, headers={"Idempotency-Key": "once"}
    )

    problem(answer, 422, "idempotency-mismatch")
    assert Run.select().count() == 1


def test_refused_request_may_be_repeated_with_its_key(client, pipeline):
    client.post(RUNS, json={"pipeline_id": "nope"}, headers={"Idempotency-Key": "k"})

    answer = client.post(RUNS, json=BODY, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (202, False)


def test_keys_of_two_organisations_do_not_meet(client, pipeline, rival):
    rival.post("/api/v1/pipelines", json=GOOD)
    client.post(RUNS, json=BODY, headers={"Idempotency-Key": "once"})

    answer = rival.post(RUNS, json=BODY, headers={"Idempotency-Key": "once"})

    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (202, False)


@pytest.mark.parametrize("key", ["", "has blank", "x" * 256, "é"])
def test_malformed_key_is_422(client, pipeline, key):
    answer = client.post(RUNS, json=BODY, headers={"Idempotency-Key": key})

    assert list(problem(answer, 422, "validation-failed")["errors"]) == ["Idempotency-Key"]


TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "sent", [f"00-{TRACE}-b7ad6b7169203331-01", f"cc-{TRACE}-b7ad6b7169203331-01-x"]
)
def test_valid_traceparent_gives_the_run_its_trace_id(client, pipeline, sent):
    run = client.post(RUNS, json=BODY, headers={"traceparent": sent}).json

    assert run["trace_id"] == TRACE


@pytest.mark.parametrize(
    "sent",
    [
        "",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"CC-{TRACE}-b7ad6b7169203331-01",
        f"cc-{TRACE}-b7ad6b7169203331-01x",
        f"00-{TRACE}-B7AD6B7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01, 00-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01-x",
        f"00-{TRACE}-b7ad6b7169203331",
    ],
)
def test_other_traceparent_is_ignored(client, pipeline, sent):
    run = client.post(RUNS, json=BODY, headers={"traceparent": sent}).json

    assert run["trace_id"] != TRACE
    assert len(run["trace_id"]) == 32


@pytest.mark.parametrize("run_id", ["run-1", "%00", "a%00b", "key-01jz0000000000000000000000"])
@pytest.mark.parametrize("rest", ["", "/status", "/stages", "/events"])
def test_malformed_or_unknown_id_is_404(client, run_id, rest):
    problem(client.get(f"{RUNS}/{run_id}{rest}"), 404, "not-found")


@pytest.mark.parametrize(
    "query", ["after_seq=-1", "after_seq=x", "limit=0", "limit=1001", "limit="]
)
def test_wrong_events_query_is_422_under_its_name(client, pipeline, query):
    run_id = client.post(RUNS, json=BODY).json["id"]

    answer = client.get(f"{RUNS}/{run_id}/events?{query}")

    assert list(problem(answer, 422, "validation-failed")["errors"]) == [query.split("=")[0]]


def test_events_after_an_absurd_seq_are_none(client, pipeline):
    run_id = client.post(RUNS, json=BODY).json["id"]

    answer = client.get(f"{RUNS}/{run_id}/events?after_seq=999999999999999")

    assert answer.json["items"] == []


def test_ids_are_of_their_kind(client, pipeline):
    assert is_id(pipeline["id"], "pl")
    assert is_id(client.post(RUNS, json=BODY).json["id"], "run")
