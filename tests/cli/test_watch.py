"""`fm watch`: a run is followed from its first event, or played when it has ended."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading

import pytest

from app.cli.runs import following
from tests.cli.scripted import RUN_ID, completed, ended, stage, started
from tests.conftest import wait_until

OTHER_ID = "run-01jz0000000000000000000001"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Asks a Studio that is away more often than a person's patience needs."""
    monkeypatch.setattr(following, "_AWAY_PAUSE_SECONDS", 0.02)


def seqs(told):
    """The numbers of the events of these lines."""
    return [int(line.split()[0]) for line in told.splitlines() if line.split()[0].isdigit()]


def test_ended_run_is_played_and_its_output_printed(cli, scripted):
    scripted.tell(started("a"), stage("started", "a"), completed("a"), ended("completed"))

    done = cli("watch", RUN_ID)

    assert (done.exit_code, done.stdout) == (0, '{\n  "text": "hello"\n}\n')
    assert done.stderr.splitlines() == [
        "    1  greet 1.0.0 started",
        "    2  a started",
        "    3  a completed in 5 ms",
        "    4  completed in 12 ms",
    ]


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 3)])
def test_exit_code_tells_how_the_run_ended(cli, scripted, status, code):
    scripted.tell(started("a"), ended(status))

    assert cli("watch", RUN_ID).exit_code == code
    assert cli("watch", RUN_ID, "--json").exit_code == code


def test_json_is_a_line_for_each_event_as_it_is(cli, scripted):
    scripted.tell(started("a"), completed("a", output="Zoë\n"), ended("completed"))

    done = cli("watch", RUN_ID, "--json")

    assert [json.loads(line) for line in done.stdout.splitlines()] == scripted.events
    assert done.stderr == ""


def test_json_of_a_failed_run_tells_the_error_apart(cli, scripted):
    scripted.error = {"type": "TIMEOUT", "message": "too slow", "stage_id": "a"}
    scripted.tell(started("a"), ended("failed"))

    done = cli("watch", RUN_ID, "--json")

    assert done.stderr == "The run failed at stage a: TIMEOUT: too slow\n"


def test_after_begins_with_the_next_event(cli, scripted):
    scripted.tell(started("a"), completed("a"), ended("completed"))

    assert seqs(cli("watch", RUN_ID, "--after", "2").stderr) == [3]


@pytest.mark.parametrize("after", [3, 1000])
def test_after_the_last_event_of_an_ended_run_ends_at_once(cli, scripted, after):
    scripted.tell(started("a"), completed("a"), ended("completed"))

    done = cli("watch", RUN_ID, "--after", after)

    assert (done.exit_code, done.stderr) == (0, "")


def test_after_an_event_of_a_run_under_way_waits_for_its_end(cli, scripted):
    scripted.tell(started("a"))
    watching = threading.Thread(target=end_once_asked, args=[scripted])
    watching.start()

    done = cli("watch", RUN_ID, "--after", "1")

    watching.join()
    assert seqs(done.stderr) == [2, 3]


def end_once_asked(scripted):
    """Ends the run when somebody has seen all that was there before."""
    wait_until(lambda: asked_for_events(scripted))
    scripted.tell(completed("a"), ended("completed"))


def asked_for_events(scripted):
    """How often events were asked for."""
    return sum(path.endswith("/events") for _, path, _ in scripted.asked)


def test_studio_that_is_away_for_a_moment_costs_no_event_and_repeats_none(cli, scripted):
    scripted.tell(started("a"), stage("started", "a"))

    def be_away():
        wait_until(lambda: asked_for_events(scripted))
        scripted.refuse_with = (503, {})
        before = asked_for_events(scripted)
        wait_until(lambda: asked_for_events(scripted) > before)
        scripted.tell(completed("a"), ended("completed"))
        scripted.refuse_with = None

    away = threading.Thread(target=be_away)
    away.start()
    done = cli("watch", RUN_ID)

    away.join()
    assert done.exit_code == 0
    assert "Studio does not answer any more" in done.stderr
    assert seqs(done.stderr) == [1, 2, 3, 4]


def test_last_is_the_newest_run(cli, scripted):
    scripted.runs = [{"id": RUN_ID}, {"id": OTHER_ID}]
    scripted.tell(started("a"), ended("completed"))

    done = cli("watch", "last")

    assert done.exit_code == 0
    assert seqs(done.stderr) == [1, 2]


def test_last_without_any_run_is_a_sentence(cli, scripted):
    done = cli("watch", "last")

    assert (done.exit_code, done.stderr) == (2, "fm: There is no run yet.\n")


@pytest.mark.parametrize("name", [OTHER_ID, "x/../y", "..", "\x1b[2J"])
def test_unknown_run_is_a_sentence(cli, scripted, name):
    done = cli("watch", name)

    assert done.exit_code == 2
    assert done.stderr == f"fm: There is no run {name.replace(chr(27), ' ')}.\n"


def test_without_a_studio_the_exit_code_is_4(cli):
    done = cli("watch", RUN_ID)

    assert done.exit_code == 4
    assert "No Studio answers" in done.stderr


def watch_on_a_terminal(scripted, clean, *words, **environ):
    """What a terminal of 60 columns and 10 lines shows of a run, and the standard output."""
    screen, terminal = pty.openpty()
    size = {"TERM": "xterm", "COLUMNS": "60", "LINES": "10"}
    watching = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "watch", RUN_ID, *words],
        env={**clean, **size, "FLOWMASON_URL": scripted.url, **environ},
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    seen = read_all(screen)
    result = watching.communicate(timeout=30)[0]
    assert watching.returncode == 1, seen
    return seen, result


def read_all(screen):
    """What a terminal shows until its other end is closed."""
    seen = b""
    try:
        while part := os.read(screen, 65536):
            seen += part
    except OSError:
        pass  # Linux says so when nobody holds the other end any more
    os.close(screen)
    return seen.decode()


def test_terminal_shows_a_bounded_tree_without_colours_where_none_are_wanted(scripted, clean):
    error = {"type": "TIMEOUT", "message": "too slow", "stage_id": "line"}
    loop = {"id": "each", "component_type": "foreach", "config": {"items": [1, 2, 3]}}
    scripted.document, scripted.owners = [loop], {"line": "each"}
    scripted.tell(started("each", "line", *(f"later{n}" for n in range(40))))
    scripted.tell(stage("started", "each"), completed("line", iteration_path=[0]))
    scripted.tell(stage("failed", "line", iteration_path=[1], error=error, duration_ms=5))
    scripted.tell(ended("failed"))

    seen, result = watch_on_a_terminal(scripted, clean, NO_COLOR="1")

    lines = [bare(line) for line in seen.split("greet")[-1].splitlines()]
    assert result == b""
    assert lines[0].startswith("  failed  ")
    assert lines[1].split()[:2] == ["each", "cancelled"]
    assert lines[2].startswith("    line ")
    assert "2/3, 1 completed, 1 failed" in lines[2]
    assert "... and 36 more" in lines
    assert max(map(len, lines)) <= 60
    assert not re.search(COLOUR, seen)


COLOUR = r"\x1b\[[0-9;]*[34][0-7]m"


def bare(line):
    """What a person reads of a line."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).strip("\r\n")
