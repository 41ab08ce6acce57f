"""/registry over HTTP."""

from __future__ import annotations

import pytest

from app.engine.about import Category
from tests.api.conftest import problem

COMPONENTS = "/api/v1/registry/components"


def test_list_is_a_page_with_categories(client):
    answer = client.get(f"{COMPONENTS}?limit=1&count=true&kind=operator")

    page = answer.json
    assert answer.status_code == 200
    assert page.keys() == {"items", "next", "total", "categories"}
    assert len(page["items"]) == 1 and page["total"] > 1


def test_next_page_goes_on_behind_the_first(client):
    first = client.get(f"{COMPONENTS}?limit=1").json
    second = client.get(COMPONENTS, query_string={"limit": 1, "cursor": first["next"]}).json

    types = [page["items"][0]["component_type"] for page in (first, second)]
    assert types == sorted(set(types))


def test_component_is_read_by_its_type(client):
    shown = client.get(f"{COMPONENTS}/foreach").json

    assert (shown["component_type"], shown["class"]) == ("foreach", "owner")
    expression = shown["input_schema"]["properties"]["filter_expression"]
    assert expression["format"] == "flowmason-expression"


@pytest.mark.parametrize("name", ["nope", "%00", "LOGGER", "logger%20", "x" * 7000, "..%2f"])
def test_unknown_component_is_404(client, name):
    problem(client.get(f"{COMPONENTS}/{name}"), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("kind=nope", "kind"),
        ("kind=", "kind"),
        ("kind=node&kind=operator", "kind"),
        ("q=%00", "q"),
        ("category=%00", "category"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("count=1", "count"),
        ("tag=x", "tag"),
    ],
)
def test_bad_query_is_422_and_names_the_parameter(client, query, name):
    refused = problem(client.get(f"{COMPONENTS}?{query}"), 422, "validation-failed")

    assert list(refused["errors"]) == [name]


def test_cursor_of_no_list_is_400(client):
    problem(client.get(f"{COMPONENTS}?cursor=nope"), 400, "bad-cursor")


def test_detail_takes_no_query(client):
    problem(client.get(f"{COMPONENTS}/logger?x=1"), 422, "validation-failed")


@pytest.mark.parametrize("path", [COMPONENTS, f"{COMPONENTS}/logger"])
def test_registry_is_read_only(client, path):
    problem(client.post(path, json={}), 405, "method-not-allowed")


def test_categories_are_explained_in_the_api_document(client):
    schemas = client.get("/api/v1/openapi.json").json["components"]["schemas"]

    told = schemas["ComponentOut"]["properties"]["category"]["description"]
    assert [
        category for category in Category if f"`{category}` {category.meaning}" not in told
    ] == []
