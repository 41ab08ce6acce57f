"""Credentials in headers, and what is told of the client's address."""

from __future__ import annotations

import pytest

from app.models.identity import AuditEntry
from app.services.identity.apikeys import revoke_api_key
from tests.api.conftest import problem

ME = "/api/v1/auth/me"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_key_may_come_as_bearer(anonymous, new_key, scheme):
    answer = anonymous.get(ME, headers={"Authorization": f"{scheme} {new_key()}"})

    assert answer.json["auth_type"] == "api_key"


def test_authorization_wins_over_the_key_header(anonymous, new_key):
    answer = anonymous.get(ME, headers={"Authorization": "Bearer bad", "X-API-Key": new_key()})

    problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic eDp5", "fm_x", "Bearer é", "Bearer a b"]
)
def test_bad_authorization_is_401(anonymous, header):
    problem(anonymous.get(ME, headers={"Authorization": header}), 401, "unauthenticated")


def test_revoked_key_is_refused_at_once(with_key, new_key):
    key = new_key()
    client = with_key(key)
    made = client.get(ME).json["api_key"]["id"]

    revoke_api_key(new_key.owner, made)

    problem(client.get(ME), 401, "unauthenticated")


def test_key_may_revoke_itself(with_key, new_key):
    client = with_key(new_key("runs:read"))
    own = client.get(ME).json["api_key"]["id"]

    assert client.delete(f"/api/v1/auth/api-keys/{own}").status_code == 204
    problem(client.get(ME), 401, "unauthenticated")


def test_missing_scope_is_403_and_named(with_key, new_key):
    answer = with_key(new_key("pipelines:read")).post("/api/v1/pipelines", json={})

    refused = problem(answer, 403, "forbidden")
    assert refused["required_scope"] == "pipelines:write"
    assert "pipelines:write" in refused["detail"]


def test_write_scope_does_not_read(with_key, new_key):
    problem(with_key(new_key("pipelines:write")).get("/api/v1/pipelines"), 403, "forbidden")


def test_missing_scope_is_told_before_the_body_is_read(with_key, new_key):
    client = with_key(new_key("runs:read"))

    problem(client.post("/api/v1/runs", data="{", content_type="text/plain"), 403, "forbidden")


def test_refusal_is_written_down_with_its_caller(with_key, new_key):
    client = with_key(new_key("runs:read"))

    refused = client.post("/api/v1/pipelines", json={}, headers={"User-Agent": "curl/8"})

    entry = AuditEntry.get(AuditEntry.success == False)  # noqa: E712 a column
    assert (entry.action, entry.error_code) == ("pipeline.created", "forbidden")
    assert (entry.user_id, entry.user_agent) == (new_key.owner.user_id, "curl/8")
    assert (entry.request_id, entry.ip_address) == (refused.headers["X-Request-ID"], "127.0.0.1")


@pytest.mark.parametrize(
    ("proxies", "passed", "told"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (3, "198.51.100.1, 203.0.113.9", "127.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
    ],
)
def test_client_address_is_what_trusted_proxies_vouch_for(
    changed_app, new_key, proxies, passed, told
):
    client = changed_app(trusted_proxies=proxies).test_client()

    client.post(
        "/api/v1/auth/api-keys",
        json={"name": "seen"},
        headers={"X-API-Key": new_key(), "X-Forwarded-For": passed},
    )

    newest = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    assert newest.ip_address == told
