"""PUT /pipelines/ID over HTTP."""

from __future__ import annotations

import pytest

from app.models import AuditEntry
from app.models.pipelines import PipelineVersion
from tests.api.conftest import GOOD, problem
from tests.api.test_hostile import REFUSED

PIPELINES = "/api/v1/pipelines"
HOSTILE = {name: case for name, case in REFUSED.items() if name != "no name"}


@pytest.fixture
def made(client):
    """The answer to the creation of a pipeline."""
    return client.post(PIPELINES, json=GOOD)


@pytest.fixture
def put(client, made):
    """Changes the pipeline made; headers by their names with underscores."""

    def put(json=None, reference="greet", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.put(f"{PIPELINES}/{reference}", json=json, headers=named)

    return put


def test_change_is_answered_with_the_pipeline_and_its_new_tag(client, made, put):
    changed = put({"description": "second"})

    assert (changed.status_code, changed.json["version"]) == (200, "1.0.1")
    assert changed.headers["ETag"] != made.headers["ETag"]
    shown = client.get(made.headers["Location"])
    assert (shown.json, shown.headers["ETag"]) == (changed.json, changed.headers["ETag"])


@pytest.mark.parametrize("reference", ["greet", "{id}"])
def test_pipeline_is_changed_by_id_or_name(made, put, reference):
    changed = put({"tags": ["x"]}, reference.format(id=made.json["id"]))

    assert changed.json["tags"] == ["x"]


@pytest.mark.parametrize("body", [None, {}, {"description": "", "tags": None}])
def test_change_of_nothing_is_200_with_the_same_tag(made, put, body):
    same = put(body)

    assert (same.status_code, same.json) == (200, made.json)
    assert same.headers["ETag"] == made.headers["ETag"]
    assert PipelineVersion.select().count() == 1


def test_changed_pipeline_runs_in_its_new_version(client, put):
    put({"stages": [{"id": "b", "type": "json_transform", "config": {"data": 1}}]})

    run = client.post("/api/v1/runs", json={"pipeline_id": "greet"}).json

    assert run["pipeline_version"] == "1.0.1"
    assert [stage["stage_id"] for stage in run["stages"]] == ["b"]


def test_changed_pipeline_is_listed_first(client, put):
    client.post(PIPELINES, json=GOOD | {"name": "later"})

    put({"description": "second"})

    (first, _) = client.get(PIPELINES).json["items"]
    assert (first["name"], first["version"], first["description"]) == ("greet", "1.0.1", "second")


def test_update_is_written_down(put, org):
    changed = put({"description": "second"})

    entry = AuditEntry.of(org.id).where(AuditEntry.action == "pipeline.updated").get()
    assert (entry.resource_id, entry.request_id) == (
        changed.json["id"],
        changed.headers["X-Request-ID"],
    )


@pytest.mark.parametrize("tags", ["{tag}", '"x", {tag}', '{tag}, W/"x"', "*"])
def test_if_match_with_the_present_tag_lets_the_change_through(made, put, tags):
    changed = put({"description": "x"}, If_Match=tags.format(tag=made.headers["ETag"]))

    assert changed.status_code == 200


@pytest.mark.parametrize("tags", ['"x"', "W/{tag}", "", '""', '"', "nonsense", '"*"', "{tag}x"])
def test_if_match_without_the_present_tag_is_412_and_saves_nothing(made, put, tags):
    refused = put({"description": "x"}, If_Match=tags.format(tag=made.headers["ETag"]))

    problem(refused, 412, "precondition-failed")
    assert PipelineVersion.select().count() == 1


def test_tag_of_a_change_is_good_for_the_next_one(put):
    first = put({"description": "second"})

    assert put({"description": "third"}, If_Match=first.headers["ETag"]).status_code == 200
    problem(put({"tags": []}, If_Match=first.headers["ETag"]), 412, "precondition-failed")


def test_tag_of_an_old_version_is_not_that_of_the_pipeline(client, put):
    old = client.get(f"{PIPELINES}/greet@1.0.0").headers["ETag"]

    problem(put({"description": "x"}, If_Match=old), 412, "precondition-failed")


def test_bad_document_is_told_before_a_stale_tag(put):
    problem(put({"max_concurrency": 0}, If_Match='"x"'), 422, "invalid-pipeline")


def test_stale_tag_is_told_before_a_taken_name(client, put):
    client.post(PIPELINES, json=GOOD | {"name": "taken"})

    problem(put({"name": "taken"}, If_Match='"x"'), 412, "precondition-failed")


def test_taken_name_is_409(client, put):
    client.post(PIPELINES, json=GOOD | {"name": "taken"})

    problem(put({"name": "taken"}), 409, "name-taken")


def test_low_version_is_422_and_names_the_field(put):
    refused = problem(put({"version": "1.0.0"}), 422, "validation-failed")

    assert list(refused["errors"]) == ["/version"]
    assert "1.0.0" in refused["errors"]["/version"][0]


def test_every_problem_of_the_change_is_told_at_once(put):
    body = {"stages": [{"id": "a", "type": "nope"}, {"id": "a", "type": "logger"}], "x": 1}

    refused = problem(put(body), 422, "invalid-pipeline")

    assert set(refused["errors"]) == {
        "/stages/0/type",
        "/stages/1/id",
        "/stages/1/config/message",
        "/x",
    }


@pytest.mark.parametrize(("document", "pointer"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_change_is_422_at_the_place_and_saves_nothing(client, put, document, pointer):
    refused = put(document)

    assert pointer in problem(refused, 422, "invalid-pipeline")["errors"]
    assert PipelineVersion.select().count() == 1


def test_members_that_answers_add_are_not_taken_back(made, put):
    refused = problem(put(made.json), 422, "invalid-pipeline")

    assert {"/id", "/org_id", "/status", "/created_at"} <= set(refused["errors"])


@pytest.mark.parametrize("reference", ["greet@1.0.0", "greet@9.9.9", "{id}@1.0.0", "nope@1"])
def test_reference_with_a_version_is_422_and_says_why(made, put, reference):
    refused = put({"description": "x"}, reference.format(id=made.json["id"]))

    told = problem(refused, 422, "validation-failed")["errors"]
    assert list(told) == ["pipeline_id"]
    assert "never changes" in told["pipeline_id"][0]


@pytest.mark.parametrize("reference", ["nope", "pl-1", "%00", "greet%00", "x" * 7000])
def test_unknown_pipeline_is_404(put, reference):
    problem(put({"description": "x"}, reference), 404, "not-found")


def test_other_organisations_pipeline_is_absent(rival, made):
    told = [
        problem(rival.put(f"{PIPELINES}/{name}", json={"description": "x"}), 404, "not-found")
        for name in (made.json["id"], "greet", "nope")
    ]

    assert len({one["detail"] for one in told}) == 1


def test_changing_takes_no_query(client, made):
    problem(client.put(f"{PIPELINES}/greet?x=1", json={}), 422, "validation-failed")


def test_reading_does_not_change(with_key, new_key, made):
    reader = with_key(new_key("pipelines:read"))

    problem(reader.put(f"{PIPELINES}/greet", json={}), 403, "forbidden")
    entry = AuditEntry.get(AuditEntry.success == False)  # noqa: E712 a column
    assert entry.action == "pipeline.updated"
