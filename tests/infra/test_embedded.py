"""The embedded Redis-protocol server: private, durable, and gone when it is stopped."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from app.infra import embedded


@contextmanager
def running(where):
    """A running server, killed at the end."""
    process = embedded.start(where, subprocess.DEVNULL)
    try:
        embedded.wait_ready(where, process)
        yield process, redis.Redis.from_url(where.url)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def where(tmp_path):
    """A place whose socket is cleaned up whatever its length."""
    place = embedded.place(tmp_path / "home")
    yield place
    embedded.clean(place)


def test_server_never_evicts_and_keeps_a_log_of_writes(where):
    with running(where) as (_, client):
        policy = client.config_get("maxmemory-policy", "appendonly", "appendfsync", "port")

    assert policy == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "port": "0",
    }


def test_written_value_survives_a_stop_and_a_start(where):
    with running(where) as (process, client):
        client.set("bell", "1")
        process.terminate()
        process.wait(10)

    with running(where) as (_, client):
        assert client.get("bell") == b"1"


def test_socket_left_by_a_killed_server_is_replaced(where):
    with running(where) as (process, _):
        process.kill()
        process.wait()

    assert where.socket.exists()
    with running(where) as (_, client):
        assert client.ping()


def test_socket_is_for_its_owner_alone(where):
    with running(where):
        assert stat.S_IMODE(where.socket.stat().st_mode) == 0o700


def test_path_too_long_for_a_socket_is_replaced_by_a_short_one(tmp_path):
    home = tmp_path / ("long" * 30)

    where = embedded.place(home)
    with running(where) as (_, client):
        client.ping()
        assert len(os.fsencode(where.socket)) <= 100
        assert embedded.place(home) == where
    embedded.clean(where)

    assert not where.socket.parent.exists()
    assert (where.folder / "appendonlydir").exists()


def test_cleaning_removes_the_socket_and_keeps_the_data(where):
    with running(where):
        pass

    embedded.clean(where)

    assert not where.socket.exists()
    assert where.folder.exists()


def test_program_that_ends_at_once_is_a_sentence(where, monkeypatch):
    monkeypatch.setattr(embedded, "binary", lambda: Path(shutil.which("false")))
    process = embedded.start(where, subprocess.DEVNULL)

    with pytest.raises(embedded.EmbeddedUnavailable, match="does not start"):
        embedded.wait_ready(where, process)


def test_machine_without_a_program_is_told_to_set_redis_url(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Windows")

    with pytest.raises(embedded.EmbeddedUnavailable, match="REDIS_URL"):
        embedded.binary()
