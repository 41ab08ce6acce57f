"""`fm runs`: the runs there are, as a table or as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.core import clock

PIPELINE_ID = "pl-01jz0000000000000000000000"


def run(number, **rest):
    """A run as lists show it."""
    return {
        "id": f"run-01jz000000000000000000000{number}",
        "pipeline_name": "greet",
        "pipeline_version": "1.0.0",
        "status": "completed",
        "started_at": "2026-11-22T20:33:39.120Z",
        "duration_ms": 1500,
        "trigger": {"type": "api", "id": None},
        **rest,
    }


def asked(scripted):
    """The queries for runs."""
    return [query for _, path, query in scripted.asked if path == "/api/v1/runs"]


def test_runs_are_a_table(cli, scripted):
    fresh = run(2, status="pending", started_at=None, duration_ms=None)
    scripted.runs = [fresh, run(1, pipeline_name="a\x1b[2J")]

    done = cli("runs")

    assert done.exit_code == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["RUN", "PIPELINE", "STATUS", "STARTED", "DURATION", "TRIGGER"],
        [fresh["id"], "greet@1.0.0", "pending", "-", "-", "api"],
        [run(1)["id"], "a", "[2J@1.0.0", "completed", run(1)["started_at"], "1.5", "s", "api"],
    ]


def test_no_run_is_a_sentence_and_no_table(cli, scripted):
    done = cli("runs")

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "No run.\n")


def test_pages_are_read_up_to_the_limit(cli, scripted):
    scripted.runs = [run(number) for number in range(9)]

    done = cli("runs", "--limit", "5", "--json")

    assert json.loads(done.stdout) == {"items": scripted.runs[:5]}
    assert len(asked(scripted)) == 3


def test_more_than_there_are_ends_with_the_last(cli, scripted):
    scripted.runs = [run(number) for number in range(3)]

    assert json.loads(cli("runs", "--limit", "900", "--json").stdout) == {"items": scripted.runs}
    assert asked(scripted)[0]["limit"] == ["200"]


def test_filters_are_asked_for(cli, scripted):
    words = ("--status", "failed", "--status", "running", "--trigger", "test", "--parent", "run-1")

    done = cli("runs", *words, "--pipeline", PIPELINE_ID, "--since", "2026-11-22T21:33:39+01:00")

    assert done.exit_code == 0
    assert asked(scripted) == [
        {
            "status": ["failed", "running"],
            "pipeline_id": [PIPELINE_ID],
            "trigger": ["test"],
            "parent_run_id": ["run-1"],
            "created_after": ["2026-11-22T20:33:39.000Z"],
            "limit": ["20"],
        }
    ]


def test_pipeline_may_be_named(cli, scripted):
    cli("runs", "--pipeline", "greet")

    assert scripted.asked[0][1] == "/api/v1/pipelines/greet"
    assert asked(scripted)[0]["pipeline_id"] == [PIPELINE_ID]


def test_unknown_pipeline_is_a_sentence(cli, scripted):
    scripted.refuse_with = (404, {"code": "not-found", "detail": "There is no such thing here."})

    done = cli("runs", "--pipeline", "nope")

    assert (done.exit_code, done.stderr) == (2, "fm: There is no pipeline nope.\n")


@pytest.mark.parametrize(
    ("span", "before"), [("90s", {"seconds": 90}), ("2h", {"hours": 2}), ("7d", {"days": 7})]
)
def test_span_counts_back_from_now(cli, scripted, span, before):
    earliest = clock.now() - timedelta(**before, milliseconds=1)
    cli("runs", "--since", span)

    since = clock.parse(asked(scripted)[0]["created_after"][0])
    assert earliest <= since <= clock.now() - timedelta(**before)


@pytest.mark.parametrize("since", ["soon", "2026-11-22T20:33:39", "", "-2h", "999999d", "٣h"])
def test_time_that_is_none_is_refused(cli, scripted, since):
    done = cli("runs", "--since", since)

    assert done.exit_code == 2
    assert "30m, 2h or 7d" in done.stderr
    assert scripted.asked == []


def test_refusal_of_studio_is_told(cli, scripted):
    problem = {"detail": "The field is wrong.", "errors": {"parent_run_id": ["It is none."]}}
    scripted.refuse_with = (422, problem)

    done = cli("runs", "--parent", "x")

    assert done.exit_code == 2
    assert done.stderr == "fm: The field is wrong.\n  parent_run_id: It is none.\n"
