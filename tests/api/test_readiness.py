"""GET /readyz: what a platform asks before it sends requests here."""

from __future__ import annotations

import socket

import pytest

from app.api import build_app
from app.infra import broker
from app.infra import database as db
from app.infra.probe import Probe
from app.services import readiness


@pytest.fixture
def black_hole():
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_fresh_studio_is_ready(anonymous):
    answer = anonymous.get("/readyz")

    assert (answer.status_code, answer.json) == (
        200,
        {
            "status": "ready",
            "checks": {
                "database": "ok",
                "migrations": "ok",
                "broker": "ok",
                "oldest_pending_seconds": None,
            },
        },
    )


def test_age_of_the_oldest_pending_run_is_told(client, anonymous):
    client.post(
        "/api/v1/pipelines",
        json={
            "name": "p",
            "stages": [{"id": "a", "component_type": "logger", "config": {"message": "x"}}],
        },
    )
    client.post("/api/v1/runs", json={"pipeline_id": "p"})

    assert anonymous.get("/readyz").json["checks"]["oldest_pending_seconds"] >= 0


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM schema_migration", "Not applied yet: 0001_first_run"),
        (
            "INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2026-01-01')",
            "Applied by a newer release: 9999_later.",
        ),
    ],
)
def test_schema_of_another_release_is_not_ready(anonymous, statement, sentence):
    with db.transaction():
        before = db.database.execute_sql("SELECT name, applied FROM schema_migration").fetchall()
        db.database.execute_sql(statement)
    try:
        answer = anonymous.get("/readyz")
    finally:
        _write_history(before)

    assert (answer.status_code, answer.json["status"]) == (503, "not_ready")
    assert answer.json["checks"]["migrations"].startswith(sentence)


def _write_history(rows):
    mark = "%s" if db.is_postgres() else "?"
    with db.transaction():
        db.database.execute_sql("DELETE FROM schema_migration")
        for row in rows:
            db.database.execute_sql(
                f"INSERT INTO schema_migration (name, applied) VALUES ({mark}, {mark})", row
            )


def test_absent_broker_is_told_and_refuses_nothing(settings, tmp_path):
    broker.connect(f"unix://{tmp_path}/nobody.sock")

    answer = build_app("required", settings).test_client().get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["checks"]["broker"] == "The broker does not answer; runs wait for it."


def test_broker_that_never_answers_is_told_and_refuses_nothing(settings, black_hole, monkeypatch):
    monkeypatch.setattr(readiness, "_broker", Probe(broker.answers))
    broker.connect(f"redis://127.0.0.1:{black_hole}/0")

    answer = build_app("required", settings).test_client().get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["checks"]["broker"] == "The broker does not answer; runs wait for it."


def test_database_that_never_answers_is_not_ready(settings, black_hole, monkeypatch):
    monkeypatch.setattr(readiness, "_database", Probe(readiness._look))
    db.release()
    bound = db.database.obj
    db.connect(f"postgresql://u@127.0.0.1:{black_hole}/x?connect_timeout=3")
    try:
        answer = build_app("required", settings).test_client().get("/readyz")
    finally:
        db.database.initialize(bound)

    assert answer.status_code == 503
    assert answer.json["checks"]["database"] == "The database does not answer."
