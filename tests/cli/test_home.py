"""The home folder: keys made once and kept private, one Studio at a time, records that may lie."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

import config
from app.cli.home import Home, Refused, Running
from app.cli.process import born


@pytest.fixture
def home(tmp_path):
    """A prepared home folder."""
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def record(pid, birth, children=None):
    """A record of a Studio with this supervisor."""
    return Running(pid, birth, "http://127.0.0.1:1", "127.0.0.1", 1, 2, children or {})


def mode(path):
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["secret_key", "vault_key"])
def test_key_is_made_once_and_only_its_owner_reads_it(home, name):
    first = getattr(home, name)()

    assert getattr(Home(home.folder), name)() == first
    assert mode(home.folder / name) == 0o600
    assert mode(home.folder) == 0o700


def test_generated_keys_are_accepted_as_settings(home):
    environ = {"SECRET_KEY": home.secret_key(), "VAULT_KEY": home.vault_key()}

    assert config.load(environ).vault_keys == (home.vault_key(),)


def test_key_that_others_can_read_is_refused(home):
    home.secret_key()
    (home.folder / "secret_key").chmod(0o644)

    with pytest.raises(Refused, match="chmod 600"):
        home.secret_key()


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "home").touch()

    with pytest.raises(Refused, match="cannot be written.*FLOWMASON_HOME"):
        Home(tmp_path / "home").prepare()


def test_nothing_recorded_means_nothing_runs(home):
    assert home.running() is None


def test_recorded_supervisor_that_lives_is_found(home):
    home.write(record(os.getpid(), born(os.getpid())))

    assert home.running().pid == os.getpid()


def test_pid_that_was_given_out_again_is_not_mistaken_for_the_supervisor(home):
    home.write(record(os.getpid(), "another birth"))

    assert home.running() is None


def test_dead_supervisor_is_not_running(home):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()

    home.write(record(dead.pid, "1"))

    assert home.running() is None


def test_zombie_counts_as_dead():
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)

    assert born(zombie.pid) is None
    zombie.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"children": 3}'])
def test_broken_record_means_nothing_runs(home, text):
    home.record.write_text(text)

    assert home.running() is None


def test_children_of_a_dead_supervisor_are_orphans(home):
    ours = (os.getpid(), born(os.getpid()))

    found = record(os.getpid(), "another birth", {"web": ours, "worker": (os.getpid(), "x")})

    assert found.orphans() == [ours]


def test_second_studio_does_not_get_the_lock(home):
    first = home.lock()

    assert first is not None
    assert Home(home.folder).lock() is None


def test_lock_is_free_again_after_it_was_given_back(home):
    first = home.lock()
    home.forget()
    os.close(first)

    assert home.lock() is not None
    assert not home.record.exists()


def test_large_log_is_put_aside(home):
    log = home.log_file("web")
    with log.open("wb") as file:
        file.truncate(10_000_001)

    assert not home.log_file("web").exists()
    assert log.with_suffix(".log.1").exists()
