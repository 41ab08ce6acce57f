"""A start that cannot be is refused with one sentence and exit 1, and leaves nothing running."""

from __future__ import annotations

import json
import socket

import pytest


def is_refused(done, *words):
    """Exit 1, one sentence on standard error that holds the words, no trace of Python."""
    assert done.returncode == 1
    assert done.stderr.startswith("fm: ")
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words)
    return True


def test_taken_port_is_named(fm, free_port, tmp_path):
    with socket.create_server(("127.0.0.1", free_port)):
        done = fm("studio", "start")

    assert is_refused(done, f"Port {free_port}", "--port")
    assert not (tmp_path / ".flowmason" / "studio.json").exists()


def test_folder_that_cannot_be_written_is_named(fm, tmp_path):
    (tmp_path / "file").touch()

    assert is_refused(fm("studio", "start", FLOWMASON_HOME="file"), str(tmp_path / "file"))


def test_bad_setting_is_named(fm):
    assert is_refused(fm("studio", "start", LEASE_SECONDS="soon"), "LEASE_SECONDS")


def test_missing_settings_of_production_are_named(fm):
    done = fm("studio", "start", FLOWMASON_ENV="production")

    assert is_refused(done, "REDIS_URL", "SECRET_KEY", "VAULT_KEY", "FLOWMASON_PUBLIC_URL")


def test_local_mode_on_an_open_address_is_refused(fm):
    done = fm("studio", "start", "--host", "0.0.0.0", FLOWMASON_AUTH="local")

    assert is_refused(done, "FLOWMASON_AUTH=local")


def test_address_of_another_machine_is_refused(fm):
    assert is_refused(fm("studio", "start", "--host", "192.0.2.1"), "192.0.2.1")


def test_database_that_does_not_answer_is_refused(fm):
    done = fm(
        "studio",
        "start",
        DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/x",
        SECRET_KEY="s" * 32,
        VAULT_KEY="dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMTI=",
        FLOWMASON_PUBLIC_URL="http://localhost",
    )

    assert is_refused(done, "database")
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", ["status", "stop"])
def test_nothing_runs_in_an_empty_folder(fm, command):
    done = fm("studio", command)

    assert done.stdout == "Studio is not running.\n"
    assert done.returncode == {"status": 3, "stop": 0}[command]


def test_json_of_a_stopped_studio_holds_nulls(fm):
    done = fm("studio", "status", "--json")

    assert json.loads(done.stdout) == dict(status="stopped", url=None, version=None, pid=None)
    assert done.returncode == 3


def test_demo_without_a_studio_says_how_to_start_one(fm):
    assert is_refused(fm("demo"), "fm studio start")
