"""`fm logs`: what stages logged, in the order of time."""

from __future__ import annotations

import json
import threading

import pytest

from app.cli.runs import logbook
from tests.cli.scripted import RUN_ID, completed, ended, started
from tests.conftest import wait_until


def log(second, message, level="info", **rest):
    """An entry of a log."""
    return {
        "at": f"2026-11-22T20:33:{second:02}.000Z",
        "level": level,
        "message": message,
        **rest,
    }


def stage_run(number, stage_id, *logs, path=(), round=0):
    """A stage run as lists show it."""
    where = {"stage_id": stage_id, "iteration_path": list(path), "round": round}
    return {"id": f"stg-{number}", **where, "output": {}, "logs": list(logs)}


@pytest.fixture
def logged(scripted):
    """A run of three stages that logged."""
    scripted.stages = [
        stage_run(1, "a", log(3, "third", level="error", data={"why": "Zoë"}), path=[1, 4]),
        stage_run(2, "quiet"),
        stage_run(3, "b", log(1, "first"), log(2, "two\nlines", level="warning"), round=1),
    ]
    return scripted


def test_entries_are_lines_in_the_order_of_time(cli, logged):
    done = cli("logs", RUN_ID)

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "2026-11-22T20:33:01.000Z  info     b round 2  first",
        "2026-11-22T20:33:02.000Z  warning  b round 2  two lines",
        '2026-11-22T20:33:03.000Z  error    a[1.4]  third  {"why":"Zoë"}',
    ]


def test_json_is_a_line_for_each_entry(cli, logged):
    lines = cli("logs", RUN_ID, "--json").stdout.splitlines()

    assert json.loads(lines[2]) == {
        "at": "2026-11-22T20:33:03.000Z",
        "level": "error",
        "stage_id": "a",
        "iteration_path": [1, 4],
        "round": 0,
        "message": "third",
        "data": {"why": "Zoë"},
    }


def test_level_is_the_least_urgent_that_is_shown(cli, logged):
    done = cli("logs", RUN_ID, "--level", "warning")

    assert [line.split()[1] for line in done.stdout.splitlines()] == ["warning", "error"]


def test_stage_is_asked_for_alone(cli, logged):
    done = cli("logs", RUN_ID, "--stage", "a")

    assert [line.split()[2] for line in done.stdout.splitlines()] == ["a[1.4]"]


def test_unknown_run_is_a_sentence(cli, scripted):
    scripted.refuse_with = (404, {"code": "not-found", "detail": "There is no such thing here."})

    done = cli("logs", RUN_ID)

    assert (done.exit_code, done.stderr) == (2, f"fm: There is no run {RUN_ID}.\n")


def test_following_prints_each_entry_once_until_the_run_ends(cli, scripted, monkeypatch):
    monkeypatch.setattr(logbook, "_REST", 0.0)
    first = stage_run(1, "each", log(1, "first"), path=[0])
    scripted.tell(started("each"), completed("each", iteration_path=[0]))
    scripted.stages = [first]

    def go_on():
        wait_until(lambda: any(path.endswith("/stages") for _, path, _ in scripted.asked))
        scripted.stages = [first, stage_run(2, "each", log(2, "second"), path=[1])]
        scripted.tell(completed("each", iteration_path=[1]), ended("completed"))

    going = threading.Thread(target=go_on)
    going.start()
    done = cli("logs", RUN_ID, "--follow")

    going.join()
    assert done.exit_code == 0
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["first", "second"]


def test_following_reads_a_costly_log_no_more_often_than_it_rests(scripted):
    book = logbook.Logbook(client_of(scripted), RUN_ID)
    scripted.stages = [stage_run(1, "a", log(1, "first"))]
    book.take(completed("a"))
    first = book.news()
    book._rest_until = float("inf")
    scripted.stages.append(stage_run(2, "a", log(2, "second"), path=[1]))
    book.take(completed("a"))

    assert [entry["message"] for entry in first] == ["first"]
    assert book.news() == []
    assert [entry["message"] for entry in book.rest()] == ["second"]


def test_studio_that_is_away_for_a_moment_takes_no_entry_along(scripted):
    book = logbook.Logbook(client_of(scripted), RUN_ID)
    scripted.stages = [stage_run(1, "a", log(1, "first"))]
    book.take(completed("a"))
    scripted.refuse_with = (503, {})

    assert book.news() == []
    scripted.refuse_with = None
    assert [entry["message"] for entry in book.news()] == ["first"]


def client_of(scripted):
    """A client of this Studio."""
    from app.cli.client import Client

    return Client(scripted.url)
