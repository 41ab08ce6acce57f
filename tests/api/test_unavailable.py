"""The database goes away."""

from __future__ import annotations

import logging

import pytest

from app.infra import database as db
from tests.api.conftest import problem


@pytest.fixture
def no_database(settings, tmp_path, monkeypatch):
    """The process bound to a database that cannot be opened."""
    (tmp_path / "folder").mkdir()
    db.release()
    bound = db.database.obj
    db.database.initialize(db.Sqlite(str(tmp_path / "folder")))
    yield
    db.database.initialize(bound)


def test_requests_are_refused_for_a_while(anonymous, new_key, no_database, caplog):
    with caplog.at_level(logging.CRITICAL):
        answer = anonymous.get("/api/v1/auth/me", headers={"X-API-Key": "fm_" + "x" * 43})

    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


def test_health_says_unhealthy(anonymous, no_database):
    answer = anonymous.get("/health")

    assert (answer.status_code, answer.json["status"]) == (503, "unhealthy")


def test_process_still_serves(anonymous, no_database):
    assert anonymous.get("/livez").json == {"status": "alive"}


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_health_says_healthy_when_the_database_answers(anonymous, path):
    assert anonymous.get(path).json == {"status": "healthy", "version": "1.0.0"}
