"""The document of the API: valid, complete, and true to what is answered."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest
from openapi_spec_validator import validate

from tests.api.conftest import GOOD
from tests.surface import written


@pytest.fixture
def document(anonymous):
    """The document as it is served."""
    return anonymous.get("/api/v1/openapi.json").json


def test_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_document_has_every_route_with_its_scope(document):
    told = {
        (method.upper(), path): operation["x-required-scope"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete")
    }

    assert told == {
        (route.method, re.sub(r"<(?:string:)?(\w+)>", r"{\1}", route.path)): route.scope
        for route in written()
        if not route.path.startswith("/docs") and route.scope != "socket"
    }


def test_open_routes_need_no_security_and_others_do(document):
    paths = document["paths"]

    assert paths["/health"]["get"]["security"] == []
    assert paths["/api/v1/runs"]["post"]["security"] == [{"bearerAuth": []}, {"apiKey": []}]


def test_every_operation_says_what_it_does_and_that_it_may_refuse(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                assert operation["summary"], (path, method)
                assert operation["responses"]["default"] == {
                    "$ref": "#/components/responses/Problem"
                }


@pytest.mark.parametrize("schema", ["RunIn", "ReplayIn"])
def test_breakpoint_of_a_request_is_a_stage_id_or_an_object(document, schema):
    breakpoints = document["components"]["schemas"][schema]["properties"]["breakpoints"]

    assert breakpoints["items"] == {
        "anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/BreakpointIn"}]
    }


def answers(client):
    """A successful answer of each route with a body, by method and path of the document."""
    key = client.post("/api/v1/auth/api-keys", json={"name": "k"})
    yield "post", "/api/v1/auth/api-keys", key
    yield "get", "/api/v1/auth/api-keys", client.get("/api/v1/auth/api-keys?count=true")
    yield (
        "get",
        "/api/v1/auth/api-keys/{key_id}",
        client.get(f"/api/v1/auth/api-keys/{key.json['id']}"),
    )
    yield "get", "/api/v1/auth/me", client.get("/api/v1/auth/me")
    pipeline = client.post("/api/v1/pipelines", json=GOOD)
    yield "post", "/api/v1/pipelines", pipeline
    yield "get", "/api/v1/pipelines", client.get("/api/v1/pipelines?limit=1")
    yield (
        "put",
        "/api/v1/pipelines/{pipeline_id}",
        client.put(pipeline.headers["Location"], json={"tags": ["x"]}),
    )
    for document in (GOOD | {"output_stage_id": "a"}, {"name": "p", "x": 1}):
        yield (
            "post",
            "/api/v1/pipelines/validate",
            client.post("/api/v1/pipelines/validate", json=document),
        )
    yield (
        "post",
        "/api/v1/pipelines/{pipeline_id}/validate",
        client.post(pipeline.headers["Location"] + "/validate", json={"input": {"n": "x"}}),
    )
    yield "get", "/api/v1/pipelines/{pipeline_id}", client.get(pipeline.headers["Location"])
    run = client.post("/api/v1/runs", json={"pipeline_id": "greet"})
    yield "post", "/api/v1/runs", run
    yield "post", "/api/v1/run", client.post("/api/v1/run", json={"pipeline": "greet"})
    yield "get", "/api/v1/runs", client.get("/api/v1/runs?count=true")
    for rest in ("", "/status", "/stages", "/events"):
        yield (
            "get",
            "/api/v1/runs/{run_id}" + rest,
            client.get(run.headers["Location"] + rest),
        )
    yield "get", "/api/v1/registry/components", client.get("/api/v1/registry/components?limit=2")
    yield (
        "get",
        "/api/v1/registry/components/{component_type}",
        client.get("/api/v1/registry/components/foreach"),
    )
    yield "get", "/health", client.get("/health")
    yield "get", "/livez", client.get("/livez")


def test_answers_have_exactly_the_members_that_the_document_tells(document, client):
    for method, path, answer in answers(client):
        told = document["paths"][path][method]["responses"][str(answer.status_code)]
        schema = told["content"]["application/json"]["schema"]
        validator = jsonschema_rs.Draft202012Validator(
            {**schema, "components": document["components"]}
        )

        wrong = [str(error) for error in validator.iter_errors(answer.json)]

        assert not wrong, (method, path, wrong)


def test_refusals_have_the_form_that_the_document_tells(document, client):
    schema = document["components"]["responses"]["Problem"]["content"]["application/problem+json"]
    validator = jsonschema_rs.Draft202012Validator(
        {**schema["schema"], "components": document["components"]}
    )

    for answer in (
        client.get("/nowhere"),
        client.post("/api/v1/pipelines", json={}),
        client.post("/api/v1/runs", json={"x": 1}),
        client.put("/api/v1/runs"),
    ):
        assert validator.is_valid(answer.json), answer.json


def test_page_of_the_document_needs_nothing_from_elsewhere(anonymous):
    page = anonymous.get("/docs")

    assert page.status_code == 200
    assert "http://" not in page.text and "https://" not in page.text
