"""Pages of other origins."""

from __future__ import annotations

import pytest

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


@pytest.fixture
def production(changed_app):
    return changed_app(
        environment="production", cors_origins=("https://app.example",)
    ).test_client()


def test_allowed_origin_is_named_and_never_with_credentials(production):
    answer = production.get("/livez", headers={"Origin": "https://app.example"})

    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Idempotent-Replayed" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_other_origin_gets_no_cors_headers(production, origin):
    answer = production.get("/livez", headers={"Origin": origin})

    assert answer.status_code == 200
    assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]


def test_development_allows_loopback_origins(anonymous):
    answer = anonymous.get("/livez", headers={"Origin": "http://localhost:3000"})

    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"


def test_answers_vary_by_origin(anonymous):
    assert "Origin" in anonymous.get("/livez").headers["Vary"]


def test_preflight_needs_no_credential(production):
    answer = production.options(
        "/api/v1/runs", headers={"Origin": "https://app.example", **PREFLIGHT}
    )

    assert answer.status_code == 200
    assert "X-API-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "600"


def test_refusals_can_be_read_by_an_allowed_origin(production):
    answer = production.get("/api/v1/auth/me", headers={"Origin": "https://app.example"})

    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_cors_can_be_switched_off(settings):
    from app.api import build_app

    client = build_app("required", settings, enable_cors=False).test_client()

    answer = client.get("/livez", headers={"Origin": "http://localhost:3000"})
    assert "Access-Control-Allow-Origin" not in answer.headers
