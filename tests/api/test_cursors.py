"""A cursor is good for the list and the filters that it was issued for, and no others."""

from __future__ import annotations

import pytest

from tests.api.conftest import GOOD, problem

COMPONENTS = "/api/v1/registry/components"
KEYS = "/api/v1/auth/api-keys"
RUNS = "/api/v1/runs"


@pytest.fixture
def cursor(client):
    """The cursor of the page of one of this list."""

    def cursor(path: str, **filters: str) -> str:
        return client.get(path, query_string={"limit": 1, **filters}).json["next"]

    return cursor


def test_cursor_holds_for_the_same_filters_whatever_the_page_size(client, cursor):
    after = cursor(COMPONENTS, kind="operator")

    page = client.get(
        COMPONENTS, query_string={"kind": "operator", "limit": 99, "count": "true", "cursor": after}
    )

    assert page.status_code == 200
    assert page.json["total"] == len(page.json["items"]) + 1


@pytest.mark.parametrize("filters", [{}, {"kind": "control_flow"}, {"kind": "operator", "q": "j"}])
def test_cursor_of_other_filters_is_refused(client, cursor, filters):
    after = cursor(COMPONENTS, kind="operator")

    page = client.get(COMPONENTS, query_string={"cursor": after, **filters})

    problem(page, 400, "bad-cursor")


def test_cursor_of_another_list_is_refused(client, cursor):
    after = cursor(COMPONENTS)

    problem(client.get(KEYS, query_string={"cursor": after}), 400, "bad-cursor")


def test_filter_at_its_default_is_as_good_as_none(client, cursor):
    after = cursor(COMPONENTS)

    assert client.get(COMPONENTS, query_string={"q": "", "cursor": after}).status_code == 200


@pytest.fixture
def run_id(client):
    """The newer of two runs."""
    client.post("/api/v1/pipelines", json=GOOD)
    client.post(RUNS, json={"pipeline_id": "greet"})
    return client.post(RUNS, json={"pipeline_id": "greet"}).json["id"]


def test_cursor_of_runs_is_that_of_the_same_statuses_in_any_order(client, run_id):
    asked = {"status": ["pending", "failed"], "limit": 1}
    cursor = client.get(RUNS, query_string=asked).json["next"]

    again = {"status": ["failed", "pending", "failed"], "cursor": cursor}
    assert len(client.get(RUNS, query_string=again).json["items"]) == 1
    for other in ({}, {"status": "pending"}):
        problem(client.get(RUNS, query_string={**other, "cursor": cursor}), 400, "bad-cursor")


def test_cursor_of_another_organisation_is_refused(client, rival, run_id):
    cursor = client.get(RUNS, query_string={"limit": 1}).json["next"]

    problem(rival.get(RUNS, query_string={"cursor": cursor}), 400, "bad-cursor")


def test_cursor_of_stages_is_that_of_one_run_and_stage(client):
    stages = [
        {"id": name, "component_type": "logger", "config": {"message": "x"}} for name in "abc"
    ]
    client.post("/api/v1/pipelines", json={"name": "three", "stages": stages})
    one, other = (client.post(RUNS, json={"pipeline_id": "three"}).json["id"] for _ in range(2))
    cursor = client.get(f"{RUNS}/{one}/stages", query_string={"limit": 1}).json["next"]

    asked = {"cursor": cursor}
    assert len(client.get(f"{RUNS}/{one}/stages", query_string=asked).json["items"]) == 2
    problem(client.get(f"{RUNS}/{other}/stages", query_string=asked), 400, "bad-cursor")
    asked["stage_id"] = "b"
    problem(client.get(f"{RUNS}/{one}/stages", query_string=asked), 400, "bad-cursor")
