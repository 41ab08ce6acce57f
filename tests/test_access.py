"""The access matrix: every route, asked by everyone."""

from __future__ import annotations

import pytest

from app.api.runs import what_if
from app.core.ids import is_id
from app.core.principal import SCOPES
from app.services.runs import drive
from app.services.runs.testing.advancing import advance_test_run
from tests.api.conftest import (  # noqa: F401 fixtures
    GOOD,
    anonymous,
    app,
    client,
    local,
    new_key,
    rival,
    settings,
    with_key,
)
from tests.surface import Route, written

# ruff: noqa: F811 fixtures are parameters
ROUTES = [route for route in written() if route.scope != "socket"]
GUARDED = [route for route in ROUTES if route.scope != "none"]
SHARED = ("/api/v1/registry/components/<string:component_type>",)  # by all organisations
OWNED = [route for route in GUARDED if "<" in route.path and route.path not in SHARED]
SOCKET = next(route for route in written() if route.scope == "socket")
REFUSED = (401, 403)
ASSET = {"<asset>": "LICENSE"}  # all that is served without a credential

SUITE = {"pipeline_id": "greet", "suite": {"name": "s", "tests": [{"name": "t", "skip": True}]}}
BODIES = {
    "/api/v1/auth/api-keys": {"name": "made"},
    "/api/v1/pipelines": GOOD | {"name": "second"},
    "/api/v1/runs": {"pipeline_id": "greet"},
    "/api/v1/run": {"pipeline": "greet"},
    "/api/v1/time-travel/<string:run_id>/replay": {"snapshot_id": "<string:snapshot_id>"},
    "/api/v1/time-travel/<string:run_id>/what-if": {
        "snapshot_id": "<string:snapshot_id>",
        "changes": {"input": {"n": 1}},
    },
    "/api/v1/runs/<string:run_id>/set-breakpoint": {"on_error": True},
    "/api/v1/runs/<string:run_id>/patch": {"stage_outputs": {"a": {"result": 1}}},
    "/api/v1/runs/patch": {
        "pipeline_id": "greet",
        "paused_before": "a",
        "stage_outputs": {"a": {"result": 1}},
    },
    "/api/v1/tests/run": SUITE,
}


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    """There is no worker whose end could be waited for."""
    monkeypatch.setattr(what_if, "_wait", lambda who, run_id: None)


def named(routes: list[Route]):
    return pytest.mark.parametrize(
        "route", routes, ids=[f"{route.method} {route.path}" for route in routes]
    )


def things_of(client) -> dict[str, str]:
    """A thing of each kind, made by `client`, by the name that paths have for its id."""
    key = client.post("/api/v1/auth/api-keys", json={"name": "victim"}).json
    pipeline = client.post("/api/v1/pipelines", json=GOOD).json
    client.post("/api/v1/pipelines/greet/publish")  # so that it can be unpublished
    client.post("/api/v1/pipelines", json=GOOD | {"name": "ran"})
    run = client.post("/api/v1/runs", json={"pipeline_id": "ran"}).json
    test_id = client.post("/api/v1/tests/run", json=SUITE).json["test_id"]
    advance_test_run()  # so that it has results
    return {
        **past_of(client),
        "<string:key_id>": key["id"],
        "<string:pipeline_id>": pipeline["id"],
        "<string:run_id>": run["id"],
        "<string:version>": pipeline["version"],
        "<string:test_id>": test_id,
        "<string:component_type>": "logger",
        **ASSET,
    }


def past_of(client) -> dict[str, str]:
    """A run that is over, with the viewing cursor between two snapshots, and the one there."""
    stages = [{"id": id, "component_type": "logger", "config": {"message": id}} for id in "ab"]
    client.post("/api/v1/pipelines", json={"name": "past", "stages": stages})
    run = client.post("/api/v1/runs", json={"pipeline_id": "past", "priority": "high"}).json["id"]
    drive.advance_run()
    there = client.post(f"/api/v1/time-travel/{run}/step-back").json["id"]
    asked = {"snapshot_id": there, "changes": {"input": {"n": 1}}}
    fork = client.post(f"/api/v1/time-travel/{run}/what-if", json=asked).json
    return {
        "time-travel/<string:run_id>": f"time-travel/{run}",
        "<string:snapshot_id>": there,
        "<string:what_if_run_id>": fork["what_if_run_id"],
    }


def ask(client, route: Route, things: dict[str, str], **headers: str):
    path = route.path
    for name, value in things.items():
        path = path.replace(name, value)
    body = BODIES.get(route.path) if route.method == "POST" else None
    if body and "snapshot_id" in body and "<string:snapshot_id>" in things:
        body = body | {"snapshot_id": things["<string:snapshot_id>"]}
    return client.open(path, method=route.method, json=body, headers=headers)


@pytest.fixture
def things(client):
    return things_of(client)


def is_served(status: int) -> bool:
    """Whether the caller was let in: its thing may be in a state that the deed does not suit."""
    return status // 100 == 2 or status == 409


@named(ROUTES)
def test_administrator_is_served(route, client, things):
    assert is_served(ask(client, route, things).status_code)


@named(ROUTES)
def test_local_administrator_is_served(route, local):
    assert is_served(ask(local, route, things_of(local)).status_code)


@named(ROUTES)
def test_anonymous_is_served_only_where_no_scope_is_needed(route, anonymous):
    status = ask(anonymous, route, ASSET).status_code

    assert status // 100 == 2 if route.scope == "none" else status == 401


@named(ROUTES)
def test_bad_key_is_served_only_where_no_scope_is_needed(route, anonymous):
    status = ask(anonymous, route, ASSET, Authorization=f"Bearer fm_{'x' * 43}").status_code

    assert status // 100 == 2 if route.scope == "none" else status == 401


@pytest.mark.parametrize("scope", SCOPES)
@named(GUARDED)
def test_single_scope_is_admitted_where_it_is_the_one_needed(
    route, scope, client, with_key, new_key
):
    admitted = route.scope in (scope, "any") or scope == "admin"
    # Who is refused is so before anything is looked up.
    things = things_of(client) if admitted else {}

    status = ask(with_key(new_key(scope)), route, things).status_code

    assert (status not in REFUSED) is admitted, status


@named(OWNED)
def test_other_organisations_thing_is_absent(route, rival, things):
    assert ask(rival, route, things).status_code == 404


@named([route for route in GUARDED if "<" not in route.path])
def test_other_organisation_is_told_no_id_of_ours(route, rival, things):
    rival.post("/api/v1/pipelines", json=GOOD)

    told = ask(rival, route, things)

    assert told.status_code // 100 == 2
    assert not [thing for thing in things.values() if thing in told.text and is_id(thing)]


@named(GUARDED)
def test_request_of_a_run_without_credential_is_refused_in_local_mode(route, local):
    things = things_of(local)

    assert ask(local, route, things, **{"X-FlowMason-Run": "run-1"}).status_code == 401


UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}


def test_socket_refuses_a_bad_key_before_the_upgrade(anonymous):
    refused = ask(anonymous, SOCKET, {}, Authorization="Bearer bad", **UPGRADE)

    assert refused.status_code == 401


def test_socket_lets_the_first_message_bring_the_credential(anonymous):
    # Past the checks this is a broken handshake: it lacks its key.
    assert ask(anonymous, SOCKET, {}, **UPGRADE).status_code == 400


def test_socket_of_a_run_is_never_the_local_administrators(local):
    refused = ask(local, SOCKET, {}, **{"X-FlowMason-Run": "run-1"}, **UPGRADE)

    assert refused.status_code == 401
