"""/pipelines/validate and /pipelines/ID/validate over HTTP."""

from __future__ import annotations

import json

import pytest

from app.models import AuditEntry
from app.models.pipelines import Pipeline
from tests.api.conftest import GOOD, problem
from tests.api.test_hostile import REFUSED

PIPELINES = "/api/v1/pipelines"
VALIDATE = f"{PIPELINES}/validate"


def judged(answer) -> dict:
    """The body of a Validation, which has all its members whatever is wrong."""
    assert answer.status_code == 200, answer.data[:300]
    assert answer.json.keys() == {"valid", "errors", "problems", "warnings", "plan"}
    return answer.json


def test_good_document_is_valid(client):
    body = judged(client.post(VALIDATE, json=GOOD))

    assert body == {
        "valid": True,
        "errors": {},
        "problems": [],
        "warnings": [],
        "plan": {"order": ["a"], "dependencies": {"a": []}, "owners": {}},
    }


def test_bad_document_is_answered_with_200_and_the_problems_of_a_creation(client):
    bad = {"name": "p", "stages": [{"id": "a", "component_type": "nope", "x": 1}]}

    body = judged(client.post(VALIDATE, json=bad))

    refused = problem(client.post(PIPELINES, json=bad), 422, "invalid-pipeline")
    assert (body["valid"], body["plan"]) == (False, None)
    assert (body["errors"], body["problems"]) == (refused["errors"], refused["problems"])


def test_empty_body_is_a_document_without_members(client):
    assert list(judged(client.post(VALIDATE))["errors"]) == ["/name"]


def test_document_of_another_media_type_is_415(client):
    problem(client.post(VALIDATE, data="name: p"), 415, "unsupported-media-type")


def test_validation_takes_no_query(client):
    problem(client.post(f"{VALIDATE}?strict=true", json=GOOD), 422, "validation-failed")


def test_reading_is_all_that_validation_needs(with_key, new_key):
    client = with_key(new_key("pipelines:read"))

    assert judged(client.post(VALIDATE, json=GOOD))["valid"]


def test_refused_validation_is_written_down_as_a_reading(with_key, new_key):
    client = with_key(new_key("pipelines:write"))

    problem(client.post(VALIDATE, json=GOOD), 403, "forbidden")

    assert AuditEntry.get(AuditEntry.success == False).action == "pipeline.read"  # noqa: E712


def test_pipeline_called_validate_is_a_pipeline_like_others(client):
    client.post(PIPELINES, json=GOOD | {"name": "validate"})

    assert client.get(VALIDATE).json["name"] == "validate"
    assert judged(client.post(f"{PIPELINES}/validate/validate"))["valid"]


@pytest.mark.parametrize("body", [None, {}, {"input": None}, {"input": {"n": 1}}])
def test_saved_pipeline_is_valid_with_a_good_input_or_none(client, body):
    made = client.post(PIPELINES, json=GOOD)

    assert judged(client.post(f"{made.headers['Location']}/validate", json=body))["valid"]


def test_bad_input_is_answered_with_200_and_problems_below_input(client):
    client.post(PIPELINES, json=GOOD)

    body = judged(client.post(f"{PIPELINES}/greet/validate", json={"input": {"n": "x"}}))

    assert body["valid"] is False
    assert [(one["pointer"], one["code"]) for one in body["problems"]] == [
        ("/input/n", "invalid-input")
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"input": 5}, "/input"), ({"input": []}, "/input"), ({"inputs": {}}, "/inputs")],
)
def test_what_is_no_input_is_422(client, body, pointer):
    client.post(PIPELINES, json=GOOD)

    refused = client.post(f"{PIPELINES}/greet/validate", json=body)

    assert list(problem(refused, 422, "validation-failed")["errors"]) == [pointer]


@pytest.mark.parametrize("reference", ["nope", "greet@9.9.9", "greet@", "%00"])
def test_unknown_pipeline_is_404(client, reference):
    client.post(PIPELINES, json=GOOD)

    problem(client.post(f"{PIPELINES}/{reference}/validate", json={}), 404, "not-found")


def test_many_literal_secrets_are_told_in_time(client):
    data = {f"token{i}": "x" for i in range(20_000)}
    stages = [{"id": "a", "component_type": "json_transform", "config": {"data": data}}]

    body = judged(
        client.post(
            VALIDATE,
            data=json.dumps({"name": "p", "stages": stages}),
            content_type="application/json",
        )
    )

    assert len(body["warnings"]) == 20_000


@pytest.mark.parametrize("document", [document for document, _ in REFUSED.values()], ids=REFUSED)
def test_hostile_document_is_judged_as_it_is_refused(client, document):
    judgement = judged(client.post(VALIDATE, json=document))

    refused = problem(client.post(PIPELINES, json=document), 422, "invalid-pipeline")
    assert judgement["errors"] == refused["errors"]
    assert Pipeline.select().count() == 0
