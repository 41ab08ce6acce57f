"""/auth/api-keys and /auth/me over HTTP."""

from __future__ import annotations

import pytest

from app.models.identity import ApiKey
from tests.api.conftest import problem

KEYS = "/api/v1/auth/api-keys"


def test_overviews_curl_lines_work_as_printed(local):
    made = local.post(
        KEYS,
        data='{"name": "my-key", "scopes": ["pipelines:read", "runs:write"]}',
        content_type="application/json",
    )
    listed = local.get("/api/v1/pipelines", headers={"X-API-Key": made.json["key"]})

    assert (made.status_code, listed.status_code) == (201, 200)
    assert listed.json == {"items": [], "next": None}


def test_new_key_is_found_at_its_location_without_its_text(client):
    made = client.post(KEYS, json={"name": "k", "expires_at": "2099-01-01T02:00:00+02:00"})

    shown = client.get(made.headers["Location"]).json
    assert shown == {name: value for name, value in made.json.items() if name != "key"}
    assert shown["expires_at"] == "2099-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"name": "k", "scopes": "admin"}, "/scopes"),
        ({"name": "k", "scopes": []}, "/scopes"),
        ({"name": "k", "scopes": None}, "/scopes"),
        ({"name": "k", "scopes": ["fly"]}, "/scopes"),
        ({"name": "k", "scopes": ["runs:read", 7]}, "/scopes/1"),
        ({"name": "k", "scopes": [["runs:read"]]}, "/scopes/0"),
        ({"name": "k", "expires_at": "2099-01-01T00:00:00"}, "/expires_at"),
        ({"name": "k", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "k", "expires_at": "soon"}, "/expires_at"),
        ({"name": "k", "expires_at": 4e9}, "/expires_at"),
        ({"name": "k", "expires_at": "0001-01-01T00:00:00+23:59"}, "/expires_at"),
        ({"name": "k", "key": "fm_mine"}, "/key"),
    ],
)
def test_wrong_field_is_422_at_its_pointer_and_makes_no_key(client, body, pointer):
    before = ApiKey.select().count()

    answer = client.post(KEYS, json=body)

    assert list(problem(answer, 422, "validation-failed")["errors"]) == [pointer]
    assert ApiKey.select().count() == before


def test_scope_that_the_caller_lacks_is_403(with_key, new_key):
    answer = with_key(new_key("runs:read")).post(KEYS, json={"name": "k", "scopes": ["admin"]})

    assert problem(answer, 403, "forbidden")["required_scope"] == "admin"


def test_second_deletion_is_404(client):
    key_id = client.post(KEYS, json={"name": "k"}).json["id"]

    assert client.delete(f"{KEYS}/{key_id}").data == b""
    problem(client.delete(f"{KEYS}/{key_id}"), 404, "not-found")


@pytest.mark.parametrize("key_id", ["key-1", "%00", "a%00b", "..", "%FF", "x" * 5000])
def test_malformed_id_is_an_unknown_one(client, key_id):
    problem(client.get(f"{KEYS}/{key_id}"), 404, "not-found")


def test_me_tells_key_user_and_organisation(client, org):
    me = client.get("/api/v1/auth/me").json

    assert me["organization"]["id"] == org.id
    assert (me["user"]["role"], me["user"]["has_password"]) == ("owner", False)
    assert me["api_key"]["user_id"] == me["user"]["id"]
    assert "key" not in me["api_key"]
