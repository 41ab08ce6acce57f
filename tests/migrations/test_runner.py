"""`python -m migrations`: there, no drift, back, and safe when two do it at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import migrations
from app.infra import database as db
from tests.conftest import own_postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(tmp_path, worker_number):
    """The URL of an empty database."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        with own_postgres(given, f"fm_migrate_{os.getpid()}_{worker_number}") as own:
            yield own
            db.database.obj.close_all()
    else:
        yield f"sqlite:///{tmp_path}/empty.db"


@pytest.fixture
def command(url):
    """Starts `python -m migrations WORD` on the database."""

    def start(word):
        return subprocess.Popen(
            [sys.executable, "-m", "migrations", word],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def said(process):
    """What a command printed, and its exit code."""
    return process.communicate(timeout=30)[0], process.returncode


def test_empty_database_differs_from_the_models(url):
    assert "create table runs" in migrations.diff(url)


def test_migrated_database_matches_the_models(url):
    migrations.up(url)

    assert migrations.diff(url) == ""
    assert migrations.pending(url) == []


def test_second_up_does_nothing(url):
    migrations.up(url)

    assert migrations.up(url) == []


def test_all_steps_can_be_taken_back_and_taken_again(url):
    there = migrations.up(url)

    while migrations.down(url):
        pass
    left = set(db.database.get_tables())

    assert left == {"schema_migration"}
    assert migrations.up(url) == there
    assert migrations.diff(url) == ""


def test_two_at_once_both_succeed_and_one_applies(command):
    both = [said(process) for process in [command("up"), command("up")]]

    assert [code for _, code in both] == [0, 0]
    assert sorted("nothing" in text for text, _ in both) == [False, True]


def test_status_of_an_empty_database_exits_one(command):
    text, code = said(command("status"))

    assert "pending 0001" in text
    assert code == 1


def test_database_that_does_not_answer_is_refused():
    with pytest.raises(migrations.CannotMigrate, match="127.0.0.1"):
        migrations.up("postgresql://nobody@127.0.0.1:1/none")
