"""What a run's events amount to, and how that looks on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from app.cli.runs import live
from app.cli.runs.progress import RunProgress, chosen
from tests.cli.scripted import completed, ended, stage, started


def progress(*events):
    """The progress after these events, one second apart."""
    found = RunProgress()
    for seq, event in enumerate(events, 1):
        found.take({"seq": seq, **event}, now=float(seq))
    return found


def shown(found, height=24, width=80):
    """The lines that a terminal shows of it."""
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(live.picture(found, "greet", 1.5, height))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def body(type, index, **rest):
    """An event of an iteration of the stage `each`."""
    return {**stage(type, "each", duration_ms=10), "iteration_path": [index], **rest}


@pytest.mark.parametrize(
    ("events", "states"),
    [
        ([], {}),
        ([started("a", "b")], {"a": "pending", "b": "pending"}),
        ([started("a", "b"), stage("started", "b")], {"a": "pending", "b": "running"}),
        ([started("a"), stage("started", "a"), completed("a")], {"a": "completed"}),
        ([started("a"), stage("skipped", "a", reason="when")], {"a": "skipped"}),
        ([started("a"), stage("started", "a"), stage("failed", "a")], {"a": "failed"}),
        ([started("a"), stage("started", "a"), ended("cancelled")], {"a": "cancelled"}),
    ],
)
def test_stage_is_in_the_state_that_its_events_say(events, states):
    found = progress(*events)

    assert {name: each.state for name, each in found.stages.items()} == states


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], "pending"),
        ([started("a")], "running"),
        ([started("a"), {"type": "execution_paused"}], "paused"),
        ([started("a"), {"type": "execution_paused"}, {"type": "execution_resumed"}], "running"),
        ([started("a"), ended("failed")], "failed"),
    ],
)
def test_run_has_the_status_that_its_events_say(events, status):
    assert progress(*events).state == status


def test_iterations_of_a_stage_are_one_line_with_counts():
    found = progress(
        started("each"),
        body("started", 0),
        body("started", 1),
        body("completed", 0),
        body("failed", 1),
        body("started", 2),
    )

    assert found.stages["each"].state == "running"
    assert shown(found)[1].split(maxsplit=2)[2].endswith("1 completed, 1 failed")


def test_attempt_after_a_crash_is_the_same_work_and_not_more():
    found = progress(started("a"), stage("started", "a"), stage("started", "a", attempt=2))

    assert len(found.stages["a"].running) == 1
    assert progress(started("a"), stage("started", "a"), completed("a")).done == 1


def test_time_of_a_stage_goes_on_until_its_end_tells_it():
    found = progress(started("a"), stage("started", "a"))

    assert found.stages["a"].milliseconds(now=3.5) == 1500
    found.take({"seq": 3, **completed("a")}, now=4.0)
    assert found.stages["a"].milliseconds(now=9.0) == 5


def test_picture_has_a_head_and_a_line_for_each_stage():
    found = progress(started("first", "b"), stage("started", "first"), completed("first"))

    head, first, second = shown(found)

    assert head == "greet  running  1/2  1.5 s"
    assert first.split() == ["first", "completed", "5", "ms"]
    assert second.split() == ["b", "pending"]


def test_low_terminal_shows_what_runs_and_what_just_ended_in_document_order():
    names = [f"s{number}" for number in range(50)]
    found = progress(
        started(*names), *map(completed, names[:40]), stage("started", "s45"), stage("failed", "s3")
    )

    lines = shown(found, height=8)

    assert [line.split()[0] for line in lines[1:-1]] == ["s3", "s38", "s39", "s45"]
    assert lines[-1] == "... and 46 more"


def test_narrow_terminal_breaks_no_line():
    found = progress(started("s" * 64), stage("started", "s" * 64))

    assert len(shown(found, width=40)) == 2


def test_no_more_are_chosen_than_there_is_room_for():
    assert len(list(chosen(progress(started("a", "b", "c")), 2))) == 2


def test_terminal_is_left_with_the_last_picture():
    console = Console(
        file=io.StringIO(), force_terminal=True, width=80, height=24, color_system=None
    )
    events = [started("a"), stage("started", "a"), completed("a"), ended("completed")]

    live.show([{"seq": n, **event} for n, event in enumerate(events, 1)], "greet", console)

    last = console.file.getvalue().split("greet")[-1]
    assert "completed  1/1" in last
    assert "5 ms" in last
