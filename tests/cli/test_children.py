"""A child that dies is started again, not too often, and leaves nobody of its group behind."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from app.cli.children import Child
from app.cli.process import born

FOREVER = "import time; time.sleep(60)"
WITH_GRANDCHILD = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {FOREVER!r}]).pid, flush=True)
{FOREVER}
"""


@pytest.fixture
def child(tmp_path):
    """Makes children that run a program; all are ended at the end."""
    made = []

    def make(program):
        def spawn():
            command = [sys.executable, "-c", program]
            with (tmp_path / "said").open("w") as said:
                return subprocess.Popen(command, stdout=said, process_group=0)

        made.append(Child("child", spawn))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture
def said(tmp_path):
    """Waits for the first line that a child writes."""

    def wait():
        until = time.monotonic() + 10
        while not (text := (tmp_path / "said").read_text()).endswith("\n"):
            assert time.monotonic() < until
            time.sleep(0.01)
        return text

    return wait


def died(child):
    """Kills it and waits."""
    child.process.kill()
    child.process.wait()
    return child


def test_living_child_is_left_alone(child):
    found = child(FOREVER)
    pid = found.pid

    assert found.revive(time.monotonic()) is False
    assert found.pid == pid


def test_first_death_is_answered_at_once(child):
    found = died(child(FOREVER))

    assert found.revive(time.monotonic()) is True
    assert found.is_alive


def test_quick_deaths_wait_longer_each_time(child):
    found = child(FOREVER)
    delays = []

    for _ in range(4):
        died(found)
        now = time.monotonic()
        delays.append(next(s for s in (0, 0.5, 1, 2, 4) if found.revive(now + s)))

    assert delays == [0, 0.5, 1, 2]


def test_grandchild_of_a_dead_child_is_ended(child, said):
    found = child(WITH_GRANDCHILD)
    grandchild = int(said())

    died(found).revive(time.monotonic())

    until = time.monotonic() + 5
    while born(grandchild) and time.monotonic() < until:
        time.sleep(0.01)
    assert born(grandchild) is None


def test_child_that_ignores_the_request_is_ended_anyway(child, said):
    found = child(
        f"import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); {FOREVER}"
    )
    said()

    found.ask_to_end()
    assert found.is_alive
    found.end()

    assert not found.is_alive
