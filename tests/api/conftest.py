"""Studio's API over a real database: in local mode, and with keys in required mode."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache

import pytest
from flask import Flask
from flask.testing import FlaskClient

import config
from app.api import build_app
from app.core.principal import Principal
from app.infra import broker
from app.models import Membership, User
from app.services.identity.apikeys import create_api_key
from tests.conftest import KEYS

GOOD = {
    "name": "greet",
    "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
    "stages": [
        {
            "id": "a",
            "component_type": "json_transform",
            "config": {"data": {"v": "{{ input.n }}"}, "mapping": {"v": "v"}},
        }
    ],
}


@pytest.fixture
def settings(settings):
    """The settings, with the process connected to the broker that they name."""
    broker.connect(settings.broker_url)
    return settings


@cache
def _built(mode: str) -> Flask:
    return build_app(mode, config.load(KEYS))


def served(mode: str, settings: config.Settings) -> Flask:
    """The API over these settings, which name no CORS origins; what it comes to know is its own.

    The routes take longer to build than most tests take: they are built once per process and mode.
    """
    app = copy(_built(mode))
    app.config, app.extensions = copy(app.config), copy(app.extensions)
    app.config["SETTINGS"] = settings
    return app


@pytest.fixture
def app(settings) -> Flask:
    """The API in mode required."""
    return served("required", settings)


@pytest.fixture
def anonymous(app) -> FlaskClient:
    """A client without credential, in mode required."""
    return app.test_client()


@pytest.fixture
def local(settings) -> FlaskClient:
    """A client in local mode: without credential it is the local administrator."""
    return served("local", settings).test_client()


def member(organization, role: str = "owner") -> Principal:
    """A new person of `organization`, acting with the scope admin."""
    user = User.create(email=f"{role}@{organization.slug}.test", name=role.title())
    Membership.create(org_id=organization.id, user_id=user.id, role=role)
    return Principal(organization.id, frozenset({"admin"}), "session", user_id=user.id)


@pytest.fixture
def new_key(org) -> Callable[..., str]:
    """Makes an API key of the organisation's owner: `new_key("runs:read")` gives its text."""
    owner = member(org)

    def make(*scopes: str, of: Principal = owner, **rest: object) -> str:
        return create_api_key(of, name="test", scopes=list(scopes) or ["admin"], **rest)["key"]

    make.owner = owner
    return make


@pytest.fixture
def with_key(app) -> Callable[[str], FlaskClient]:
    """A client that sends this API key with every request."""

    def make(key: str) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_X_API_KEY"] = key
        return client

    return make


@pytest.fixture
def client(with_key, new_key) -> FlaskClient:
    """A client with an administrator's key, in mode required."""
    return with_key(new_key())


@pytest.fixture
def rival(with_key, other_org) -> FlaskClient:
    """A client with an administrator's key of another organisation."""
    return with_key(create_api_key(member(other_org), name="rival", scopes=["admin"])["key"])


@pytest.fixture
def changed_app(settings) -> Callable[..., Flask]:
    """The API under changed settings: `changed_app(mode="local", max_body_bytes=100)`."""

    def make(mode: str = "required", **changes: object) -> Flask:
        return build_app(mode, replace(settings, **changes))

    return make


def problem(response, status: int, code: str) -> dict:
    """The problem document of a refusal, checked to be one and to be this one."""
    body = response.get_json(force=True, silent=True)
    assert (response.status_code, body and body.get("code")) == (status, code), response.data[:300]
    assert response.content_type == "application/problem+json"
    assert body["type"] == f"urn:flowmason:problem:{code}"
    assert body["status"] == status
    assert body["title"] and body["detail"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body
