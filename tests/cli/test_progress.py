"""What a run's events amount to, and how that looks on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from app.cli.runs import live
from app.cli.runs.progress import RunProgress, chosen
from app.cli.runs.shape import Shape
from tests.cli.scripted import completed, ended, stage, started


def progress(*events, shape=None):
    """The progress after these events, one second apart."""
    found = RunProgress(shape or Shape())
    for seq, event in enumerate(events, 1):
        found.take({"seq": seq, **event}, now=float(seq))
    return found


def shown(found, height=24, width=80):
    """The lines that a terminal shows of it, 2.5 s after the first second."""
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(live.picture(found, "greet", 3.5, height))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def body(type, index, **rest):
    """An event of an iteration of the stage `each`."""
    return {**stage(type, "each", duration_ms=10), "iteration_path": [index], **rest}


def in_loop(type, index):
    """An event of the stage `line` in an iteration of the loop around it."""
    return {**stage(type, "line", duration_ms=10), "iteration_path": [index]}


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
        body("failed", 1, error={"type": "TIMEOUT", "message": "too slow"}),
        body("started", 2),
    )

    assert found.stages["each"].state == "running"
    assert shown(found)[1].endswith("  2/3, 1 completed, 1 failed; [1] TIMEOUT: too slow")


def test_items_that_are_still_to_come_are_counted_when_they_are_known():
    shape = Shape({"line": "each"}, {"each": 100})
    found = progress(started("each", "line"), in_loop("completed", 0), shape=shape)

    assert shown(found)[2].endswith("  1/100, 1 completed")


def test_failures_of_a_loop_beyond_the_first_are_only_counted():
    error = {"type": "T", "message": "no"}
    failed = [body("failed", index, error=error) for index in range(5)]

    assert shown(progress(started("each"), *failed))[1].endswith(
        "5/5, 5 failed; [0] [1] [2] ... T: no"
    )


def test_what_an_owner_runs_stands_indented_below_it_in_document_order():
    shape = Shape({"inner": "outer", "leaf": "inner", "second": "outer"})
    found = progress(started("leaf", "after", "second", "outer", "inner"), shape=shape)

    lines = [line[: len(line) - len(" pending")].rstrip() for line in shown(found)[1:]]
    assert lines == ["  after", "  outer", "    second", "    inner", "      leaf"]


def test_owner_is_shown_before_what_it_runs_where_there_is_no_room_for_both():
    shape = Shape({"leaf": "outer"})
    found = progress(
        started("leaf", "outer"), stage("started", "outer"), stage("started", "leaf"), shape=shape
    )

    assert [each.stage_id for each in chosen(found, 1)] == ["outer"]


def test_next_round_takes_the_place_of_the_one_before():
    error = {"type": "T", "message": "no"}
    first = [stage("started", "task"), stage("failed", "task", error=error)]
    found = progress(
        started("task"),
        *first,
        stage("started", "task", round=1),
        completed("task", round=1),
    )

    assert found.stages["task"].state == "completed"
    assert shown(found)[1].split()[1:] == ["completed", "5", "ms", "round", "2"]


def test_failed_stage_shows_its_error():
    found = progress(
        started("a"), stage("failed", "a", error={"type": "T", "message": "no\x1b[2J\nway"})
    )

    assert shown(found)[1].endswith("  T: no [2J way")


def test_times_are_those_of_studio_also_when_they_are_heard_late():
    found = RunProgress(Shape())
    told = "1970-01-01T00:01:40.000Z"
    found.take({"seq": 1, **started("a"), "timestamp": told}, now=160.0)
    found.take({"seq": 2, **stage("started", "a"), "timestamp": told}, now=160.0)

    assert found.seconds(now=160.0) == 60
    assert found.stages["a"].milliseconds(now=160.0) == 60_000


def test_clock_of_studio_that_is_ahead_gives_no_negative_time():
    found = RunProgress(Shape())
    found.take({"seq": 1, **started("a"), "timestamp": "1970-01-01T00:01:40.000Z"}, now=10.0)

    assert found.seconds(now=11.0) == 1


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

    assert head == "greet  running  1/2  2.5 s"
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

    live.show([{"seq": n, **event} for n, event in enumerate(events, 1)], "greet", console, Shape())

    last = console.file.getvalue().split("greet")[-1]
    assert "completed  1/1" in last
    assert "5 ms" in last
