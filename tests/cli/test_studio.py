"""`fm studio`: ready when it says so, kept running, and gone without a trace after `stop`."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
import urllib3

from app.cli.home import Home
from app.cli.process import is_alive
from app.cli.readiness import health

CHILDREN = {"redis", "web", "worker", "courier", "scheduler"}


@pytest.fixture
def home(tmp_path):
    """The home folder that `fm` uses."""
    return Home(tmp_path / ".flowmason")


@pytest.fixture
def studio(fm, home):
    """A started Studio."""
    done = fm("studio", "start", "--workers", "1")
    assert done.returncode == 0, done.stderr + logs(home)
    return home.running()


def logs(home):
    """What the processes wrote, for the message of a failure."""
    return "".join(path.read_text()[-2000:] for path in (home.folder / "logs").glob("*.log"))


def until(condition, seconds=20):
    """Waits until it is so."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def processes(running):
    """Pid and birth of all that belong to a Studio."""
    return [(running.pid, running.birth), *running.children.values()]


def members(running):
    """The pids of the process groups of its children, grandchildren included."""
    groups = {pid for pid, _ in running.children.values()}
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) in groups and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_started_studio_serves_and_tells_its_state(lasting):
    url = f"http://127.0.0.1:{lasting.environ['FLOWMASON_PORT']}"
    health = urllib3.request("GET", f"{url}/health").json()
    done = lasting.fm("studio", "status", "--json")

    assert health["status"] == "healthy"
    assert set(lasting.studio.children) == CHILDREN
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "status": "healthy",
        "url": url,
        "version": health["version"],
        "pid": lasting.studio.pid,
    }


def test_second_start_is_refused(lasting):
    studio = lasting.studio

    done = lasting.fm("studio", "start")

    assert done.returncode == 1
    assert f"already runs at {studio.url}" in done.stderr
    assert studio.is_alive


def test_stop_leaves_no_process_and_no_file_of_the_moment(fm, studio, home):
    before = members(studio)

    done = fm("studio", "stop")

    assert done.stdout == "Studio is stopped.\n"
    assert len(before) > len(CHILDREN)
    assert members(studio) == []
    assert not any(is_alive(*process) for process in processes(studio))
    left = {path.name for path in home.folder.iterdir()}
    assert left == {
        "flowmason.db",
        "logs",
        "redis",
        "secret_key",
        "vault_key",
    }
    assert [path.name for path in (home.folder / "redis").iterdir()] == ["appendonlydir"]


def test_restart_keeps_address_and_workers(fm, home, free_port):
    fm("studio", "start", "--workers", "1", "--host", "localhost")
    before = home.running()

    done = fm("studio", "restart", FLOWMASON_PORT="8999")

    after = home.running()
    assert done.returncode == 0, done.stderr
    assert after.pid != before.pid
    assert (after.host, after.port, after.workers) == ("localhost", free_port, 1)


def test_killed_children_are_started_again(studio, home):
    for pid, _ in studio.children.values():
        os.kill(pid, signal.SIGKILL)

    until(lambda: not set(home.running().children.values()) & set(studio.children.values()))
    until(lambda: (health(studio.url) or {}).get("status") == "healthy")

    # Who was up before the Redis-protocol server ended at once and is started once more.
    until(lambda: all(is_alive(*child) for child in home.running().children.values()))


def test_children_end_with_a_killed_supervisor_and_the_next_start_works(fm, studio, home):
    os.kill(studio.pid, signal.SIGKILL)

    until(lambda: not members(studio), seconds=40)
    done = fm("studio", "start")

    assert done.returncode == 0, done.stderr + logs(home)
    assert home.running().pid != studio.pid


def test_stop_removes_what_a_killed_supervisor_left(fm, studio, home):
    os.kill(studio.pid, signal.SIGKILL)

    done = fm("studio", "stop")

    assert "removed" in done.stdout
    until(lambda: not members(studio))
    assert not home.record.exists()
    assert not (home.folder / "redis" / "redis.sock").exists()


def test_silent_web_process_is_unhealthy(fm, studio):
    for pid in members(studio):
        os.kill(pid, signal.SIGSTOP)

    done = fm("studio", "status")
    for pid in members(studio):
        os.kill(pid, signal.SIGCONT)

    assert done.returncode == 1
    assert "unhealthy" in done.stdout


def test_demo_runs_to_its_end_and_prints_lines_that_do_the_same(lasting):
    first, second = lasting.fm("demo"), lasting.fm("demo")

    assert first.returncode == 0, first.stdout + first.stderr
    assert "Pipeline fm-demo is deployed" in first.stdout
    assert "join completed" in first.stdout
    assert '"title": "FlowMason Studio"' in first.stdout
    assert "\x1b" not in first.stdout
    assert second.returncode == 0
    assert "already deployed" in second.stdout
    line = next(line for line in first.stdout.splitlines() if line.endswith("}}'"))
    by_hand = subprocess.run(shlex.split(line) + ["-s"], capture_output=True, check=True)
    assert json.loads(by_hand.stdout)["pipeline_name"] == "fm-demo"
