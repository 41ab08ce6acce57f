"""Local mode: without a credential the local administrator, but only from this machine."""

from __future__ import annotations

import pytest

from app.models.identity import AuditEntry
from tests.api.conftest import problem

ME = "/api/v1/auth/me"


def test_request_without_credential_is_the_local_administrator(local):
    me = local.get(ME).json

    assert (me["auth_type"], me["scopes"]) == ("local", ["admin"])
    assert (me["user"]["email"], me["organization"]["slug"]) == ("local@localhost", "default")


def test_required_mode_knows_no_anonymous_administrator(anonymous):
    answer = anonymous.get(ME)

    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_bad_credential_is_401_never_the_local_administrator(local):
    problem(local.get(ME, headers={"X-API-Key": ""}), 401, "unauthenticated")
    problem(local.get(ME, headers={"Authorization": "Basic eDp5"}), 401, "unauthenticated")


def test_key_made_by_the_local_administrator_keeps_its_scopes(local):
    key = local.post("/api/v1/auth/api-keys", json={"name": "k", "scopes": ["runs:read"]}).json

    me = local.get(ME, headers={"X-API-Key": key["key"]}).json

    assert (me["auth_type"], me["scopes"]) == ("api_key", ["runs:read"])


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8999", "127.0.0.1:1", "127.9.8.7", "[::1]", "[::1]:8999"]
)
def test_loopback_host_is_answered(local, host):
    assert local.get(ME, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "localhost:",
        "localhost:x",
        "localhost.",
        "128.0.0.1",
        "2130706433",
        "0x7f000001",
        "127.1",
        "0.0.0.0",
        "[::ffff:8.8.8.8]",
        "[::1",
        "",
        "loc alhost",
        "é",
    ],
)
def test_other_host_is_refused(local, host):
    answer = local.get(ME, environ_overrides={"HTTP_HOST": host.encode().decode("latin-1")})

    problem(answer, 403, "host-refused")


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "x-forwarded-x",
    ],
)
def test_forwarded_request_is_refused(local, header):
    problem(local.get(ME, headers={header: "127.0.0.1"}), 403, "host-refused")


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "::ffff:10.0.0.1", "", "unix:"])
def test_other_peer_is_refused(local, peer):
    answer = local.get(ME, environ_overrides={"REMOTE_ADDR": peer})

    problem(answer, 403, "host-refused")


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"]
)
def test_loopback_origin_is_answered(local, origin):
    assert local.get(ME, headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["null", "", "https://evil.example", "http://localhost.evil.example", "file://", "localhost"],
)
def test_other_origin_is_refused_and_writes_nothing(local, origin):
    answer = local.post(
        "/api/v1/auth/api-keys", json={"name": "stolen"}, headers={"Origin": origin}
    )

    problem(answer, 403, "origin-refused")
    assert AuditEntry.select().count() == 0


def test_origin_of_cors_origins_is_answered(changed_app):
    client = changed_app("local", cors_origins=("https://app.example",)).test_client()

    assert client.get(ME, headers={"Origin": "https://app.example"}).status_code == 200


def test_checks_come_before_the_path_is_looked_up(local):
    answer = local.get("/nowhere", headers={"Host": "evil.example"})

    problem(answer, 403, "host-refused")


def test_open_routes_are_checked_too(local):
    problem(local.get("/health", headers={"Host": "evil.example"}), 403, "host-refused")


def test_request_of_a_run_is_never_the_local_administrator(local):
    problem(local.get(ME, headers={"X-FlowMason-Run": "run-1"}), 401, "unauthenticated")
    assert local.get("/health", headers={"X-FlowMason-Run": "run-1"}).status_code == 200


def test_request_of_a_run_with_a_key_is_that_key(local):
    key = local.post("/api/v1/auth/api-keys", json={"name": "k"}).json["key"]

    answer = local.get(ME, headers={"X-FlowMason-Run": "run-1", "X-API-Key": key})

    assert answer.json["auth_type"] == "api_key"


def test_required_mode_takes_any_host(client):
    assert client.get(ME, headers={"Host": "studio.example"}).status_code == 200


@pytest.mark.parametrize("host", ["é", "", "a b", "[", "x" * 3000])
def test_required_mode_survives_a_broken_host(client, host):
    answer = client.get(ME, environ_overrides={"HTTP_HOST": host.encode().decode("latin-1")})

    assert answer.status_code < 500
