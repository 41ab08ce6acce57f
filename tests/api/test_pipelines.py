"""/pipelines over HTTP."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from app.core import wire
from app.models.identity import AuditEntry
from app.models.pipelines import Pipeline, PipelineVersion
from tests.api.conftest import GOOD, problem

PIPELINES = "/api/v1/pipelines"


@pytest.fixture
def made(client):
    """The answer to the creation of a pipeline."""
    return client.post(PIPELINES, json=GOOD)


def test_new_pipeline_is_a_draft_of_version_one(made, org):
    shown = made.json

    assert made.status_code == 201
    assert (shown["status"], shown["version"], shown["org_id"]) == ("draft", "1.0.0", org.id)
    assert (shown["published_version"], shown["max_concurrency"]) == (None, 10)


def test_new_pipeline_is_found_at_its_location_with_the_same_tag(client, made):
    shown = client.get(made.headers["Location"])

    assert shown.json == made.json
    assert shown.headers["ETag"] == made.headers["ETag"]
    assert re.fullmatch('"[^"]+"', made.headers["ETag"])


def test_saved_document_has_the_digest_of_its_canonical_form(made):
    version = PipelineVersion.get()

    digest = hashlib.sha256(wire.canonical(version.document)).hexdigest()
    assert version.digest == digest


def test_aliases_are_shown_by_their_canonical_names(client):
    stage = {"id": "a", "type": "logger", "input_mapping": {"message": "hi"}}

    shown = client.post(PIPELINES, json={"name": "p", "stages": [stage]}).json

    (first,) = shown["stages"]
    assert (first["component_type"], first["config"]) == ("logger", {"message": "hi"})
    assert not {"type", "input_mapping"} & set(first)


def test_key_order_and_nul_of_free_form_values_are_kept(client):
    metadata = {"zeta": 1, "a": "x\0y", "bb": {"\0": None}}

    body = json.dumps({"name": "p", "metadata": metadata})
    shown = client.post(PIPELINES, data=body, content_type="application/json").json

    assert list(shown["metadata"].items()) == list(metadata.items())


@pytest.mark.parametrize("reference", ["greet", "greet@1.0.0", "{id}", "{id}@1.0.0"])
def test_pipeline_is_found_by_id_or_name_with_version_or_without(client, made, reference):
    shown = client.get(f"{PIPELINES}/{reference.format(id=made.json['id'])}")

    assert shown.json["id"] == made.json["id"]


def test_name_with_blanks_and_letters_is_found_url_encoded(client):
    client.post(PIPELINES, json={"name": "Größe & mehr?"})

    shown = client.get(f"{PIPELINES}/Gr%C3%B6%C3%9Fe%20%26%20mehr%3F")

    assert shown.json["name"] == "Größe & mehr?"


@pytest.mark.parametrize(
    "reference",
    ["nope", "greet@2.0.0", "greet@", "@1.0.0", "greet@1.0.0@1.0.0", "pl-1", "%00", "greet%00"],
)
def test_unknown_reference_is_404(client, made, reference):
    problem(client.get(f"{PIPELINES}/{reference}"), 404, "not-found")


def test_taken_name_is_409_and_saves_nothing(client, made):
    problem(client.post(PIPELINES, json=GOOD), 409, "name-taken")

    assert (Pipeline.select().count(), PipelineVersion.select().count()) == (1, 1)


def test_two_organisations_may_use_one_name(made, rival):
    assert rival.post(PIPELINES, json=GOOD).status_code == 201


def test_other_organisations_pipeline_is_absent(made, rival):
    by_id = problem(rival.get(f"{PIPELINES}/{made.json['id']}"), 404, "not-found")
    unknown = problem(rival.get(f"{PIPELINES}/nope"), 404, "not-found")

    assert by_id["detail"] == unknown["detail"]
    assert rival.get(PIPELINES).json["items"] == []


def test_every_problem_is_told_at_once_in_document_order(client):
    stages = [
        {"id": "a", "component_type": "nope", "depends_on": ["ghost"]},
        {"id": "a", "component_type": "logger", "timeuot": 5},
    ]

    answer = client.post(PIPELINES, json={"name": "p", "stages": stages, "tag": 1})

    refused = problem(answer, 422, "invalid-pipeline")
    found = {(one["pointer"], one["code"]) for one in refused["problems"]}
    assert {
        ("/stages/0/component_type", "unknown-component"),
        ("/stages/0/depends_on/0", "unknown-dependency"),
        ("/stages/1/id", "duplicate-stage-id"),
        ("/stages/1/timeuot", "unknown-field"),
        ("/tag", "unknown-field"),
    } <= found
    assert set(refused["errors"]) == {pointer for pointer, _ in found}


def test_refused_document_saves_nothing(client):
    client.post(PIPELINES, json={"name": "p", "stages": [{"id": 7}]})

    assert (Pipeline.select().count(), PipelineVersion.select().count()) == (0, 0)
    assert AuditEntry.select().where(AuditEntry.resource_type == "pipeline").count() == 0


def test_creation_is_written_down(made, org):
    entry = AuditEntry.of(org.id).where(AuditEntry.action == "pipeline.created").get()

    assert (entry.resource_id, entry.success) == (made.json["id"], True)
    assert entry.request_id == made.headers["X-Request-ID"]


def test_pages_together_hold_each_pipeline_once_newest_first(client):
    for i in range(5):
        client.post(PIPELINES, json={"name": f"p{i}"})

    first = client.get(f"{PIPELINES}?limit=2&count=true").json
    client.post(PIPELINES, json={"name": "later"})
    second = client.get(PIPELINES, query_string={"limit": 2, "cursor": first["next"]}).json
    third = client.get(PIPELINES, query_string={"limit": 2, "cursor": second["next"]}).json

    names = [item["name"] for page in (first, second, third) for item in page["items"]]
    assert names == ["p4", "p3", "p2", "p1", "p0"]
    assert (first["total"], third["next"]) == (5, None)


def test_list_shows_what_lists_show(client, made):
    (item,) = client.get(PIPELINES).json["items"]

    assert (item["name"], item["stage_count"], item["version"]) == ("greet", 1, "1.0.0")
    assert "stages" not in item
