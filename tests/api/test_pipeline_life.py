"""Listing, cloning, publishing and deleting pipelines over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from app.models import AuditEntry
from app.models.runs import Run
from tests.api.conftest import GOOD, problem

PIPELINES = "/api/v1/pipelines"


@pytest.fixture
def made(client):
    """The answer to the creation of a pipeline."""
    return client.post(PIPELINES, json=GOOD)


@pytest.fixture
def tag(client, made):
    """The present tag of the pipeline, as If-Match sends it."""

    def tag() -> dict[str, str]:
        return {"If-Match": client.get(f"{PIPELINES}/greet").headers["ETag"]}

    return tag


def test_filters_of_the_query_hold_together(client):
    for name, tags in (("one", ["a"]), ("two", ["a", "b"]), ("three", ["b"])):
        client.post(PIPELINES, json={"name": name, "tags": tags})

    found = client.get(f"{PIPELINES}?tag=b&tag=a&q=TW&status=draft&is_template=false&count=true")

    assert [item["name"] for item in found.json["items"]] == ["two"]
    assert found.json["total"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "status=x",
        "is_template=1",
        "tag=%00",
        "q=%00",
        "category=a&category=b",
        "x=1",
        pytest.param("&".join(f"tag={n}" for n in range(1100)), id="more tags than there can be"),
    ],
)
def test_bad_filter_is_422_and_named(client, query):
    told = problem(client.get(f"{PIPELINES}?{query}"), 422, "validation-failed")

    assert list(told["errors"]) == [query.partition("=")[0]]


def test_order_of_tags_makes_no_other_list(client):
    for name in ("one", "two"):
        client.post(PIPELINES, json={"name": name, "tags": ["a", "b"]})
    after = client.get(f"{PIPELINES}?tag=a&tag=b&limit=1").json["next"]

    page = client.get(f"{PIPELINES}?tag=b&tag=a&tag=a&cursor={after}")

    assert [item["name"] for item in page.json["items"]] == ["one"]
    problem(client.get(f"{PIPELINES}?tag=b&cursor={after}"), 400, "bad-cursor")


@pytest.mark.parametrize("name", ["a b", "100%", "é+?&#", "a;b", "..."])
def test_name_in_a_path_is_url_encoded(client, name):
    client.post(PIPELINES, json={"name": name})
    path = f"{PIPELINES}/{quote(name, safe='')}"

    assert client.get(f"{path}%401.0.0").json["name"] == name
    assert client.get(f"{path}/versions/1.0.0").json["document"]["name"] == name
    assert client.post(f"{path}/clone").json["name"] == f"{name}-copy"
    assert client.post(f"{path}@1.0.0/publish").status_code == 200
    assert client.post(f"{path}/unpublish", json={}).status_code == 200
    assert client.delete(path).status_code == 204


def test_clone_is_201_with_its_place_and_tag(client, made):
    clone = client.post(f"{PIPELINES}/greet/clone", json={"name": "other"})

    assert clone.status_code == 201
    shown = client.get(clone.headers["Location"])
    assert (shown.json, shown.headers["ETag"]) == (clone.json, clone.headers["ETag"])
    problem(client.post(f"{PIPELINES}/greet/clone", json={"name": "other"}), 409, "name-taken")


def test_published_pipeline_is_shown_so_with_the_tag_that_was_answered(client, made, tag):
    told = client.post(f"{PIPELINES}/greet/publish", json={"version": None}, headers=tag())

    assert told.status_code == 200
    assert set(told.json) == {"pipeline_id", "version", "status", "published_at", "message"}
    shown = client.get(f"{PIPELINES}/greet")
    assert (shown.json["status"], shown.json["published_version"]) == ("published", "1.0.0")
    assert shown.headers["ETag"] == told.headers["ETag"] != made.headers["ETag"]
    (version,) = client.get(f"{PIPELINES}/greet/versions").json["items"]
    assert (version["published"], version["published_at"]) == (True, told.json["published_at"])


def test_published_version_is_what_runs_take(client, made):
    client.post(f"{PIPELINES}/greet/publish")
    client.put(f"{PIPELINES}/greet", json={"description": "newer"})

    taken = client.post("/api/v1/runs", json={"pipeline_id": "greet"}).json["pipeline_version"]
    client.post(f"{PIPELINES}/greet/unpublish")
    then = client.post("/api/v1/runs", json={"pipeline_id": "greet"}).json["pipeline_version"]

    assert (taken, then) == ("1.0.0", "1.0.1")


def test_unpublishing_a_draft_is_409(client, made):
    told = problem(client.post(f"{PIPELINES}/greet/unpublish"), 409, "illegal-move")

    assert "draft" in told["detail"] and "published" in told["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": "9.9.9"}, 404, "not-found"),
        ({"version": 1}, 422, "validation-failed"),
        ({"version": "\0"}, 422, "validation-failed"),
        ({"test_run_id": "run-1"}, 422, "validation-failed"),
        ({"x": 1}, 422, "validation-failed"),
    ],
)
def test_publishing_refuses_what_it_cannot_do(client, made, body, status, code):
    problem(client.post(f"{PIPELINES}/greet/publish", json=body), status, code)


@pytest.mark.parametrize(("method", "deed"), [("POST", "/publish"), ("DELETE", "")])
def test_stale_tag_is_412(client, made, tag, method, deed):
    stale = tag()
    client.put(f"{PIPELINES}/greet", json={"description": "newer"})
    path = f"{PIPELINES}/greet{deed}"

    problem(client.open(path, method=method, headers=stale), 412, "precondition-failed")
    assert client.open(path, method=method, headers=tag()).status_code in (200, 204)


def test_deleted_pipeline_is_absent_and_its_finished_run_is_not(client, made):
    run = client.post("/api/v1/runs", json={"pipeline_id": "greet"})
    refused = problem(client.delete(f"{PIPELINES}/greet"), 409, "in-use")
    assert refused["used_by"] == [{"type": "run", "id": run.json["id"], "name": "greet"}]
    Run.update(status="completed").execute()

    deleted = client.delete(f"{PIPELINES}/{made.json['id']}")

    assert (deleted.status_code, deleted.data) == (204, b"")
    problem(client.delete(f"{PIPELINES}/{made.json['id']}"), 404, "not-found")
    assert client.get(run.headers["Location"]).json["pipeline_name"] == "greet"
    assert client.post(PIPELINES, json=GOOD).status_code == 201


def test_deleting_takes_no_version(client, made):
    problem(client.delete(f"{PIPELINES}/greet@1.0.0"), 422, "validation-failed")


@pytest.mark.parametrize(
    ("method", "deed", "action"),
    [
        ("DELETE", "", "pipeline.deleted"),
        ("POST", "/publish", "pipeline.published"),
        ("POST", "/unpublish", "pipeline.unpublished"),
        ("POST", "/clone", "pipeline.created"),
    ],
)
def test_refused_deed_is_written_down_by_its_name(with_key, new_key, made, method, deed, action):
    reader = with_key(new_key("pipelines:read"))

    refused = reader.open(f"{PIPELINES}/greet{deed}", method=method)

    problem(refused, 403, "forbidden")
    assert AuditEntry.get(AuditEntry.success == False).action == action  # noqa: E712 a column
