"""`fm debug`: the words of its commands."""

from __future__ import annotations

import pytest

from tests.cli.scripted import completed, ended, paused, started
from tests.cli.transcripts import after, commanded


@pytest.fixture
def halted(scripted):
    """A run of `a` and `b` that stands before `b`."""
    scripted.tell(started("a", "b"), completed("a"), paused("b"))
    return scripted


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("s", "step"),
        ("ste", "step"),
        ("c", "resume"),
        ("z", "pause"),
        ("pa", "pause"),
        ("x", "stop"),
    ],
)
def test_few_letters_of_a_command_are_enough(debug, halted, line, sent):
    halted.brings[sent] = [[ended("completed")]]

    debug(line)

    assert commanded(halted)[-1] == sent


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("st", "st may be the command step, stop."),
        ("jump\x1b", "There is no command jump ; help lists them."),
        ("step twice", "step takes nothing more."),
        ("print", "Say it as: print STAGE|vars|input|output [PATH]"),
        ("break a b", "Say it as: break [STAGE [if CONDITION] | error [STAGE]]"),
        ("break if true", "Say it as: break [STAGE [if CONDITION] | error [STAGE]]"),
        ("print vars", "This run has no snapshots."),
        ("print input.nobody", "There is nothing at nobody."),
        ("print input ..", "This is no path from character 1 on."),
        ("print c", "Stage c has not started, or there is none."),
        ("info b", "No end of a stage b is recorded."),
    ],
)
def test_script_ends_at_a_command_that_cannot_be_done(debug, halted, line, sentence):
    done = debug(line, "continue")

    assert (done.exit_code, done.stderr) == (2, f"fm: {sentence}\n")
    assert "resume" not in commanded(halted)


def test_refusal_of_studio_ends_a_script(debug, halted):
    detail = "A completed run cannot be paused."
    halted.refuses["pause"] = (409, {"code": "illegal-move", "detail": detail})

    done = debug("pause", "list")

    assert (done.exit_code, done.stderr) == (2, f"fm: {detail}\n")


@pytest.mark.parametrize(
    ("line", "stage_id", "condition", "on_error"),
    [
        ("break b", "b", None, False),
        ("b gr", "greeting", None, False),
        ("break elsewhere", "elsewhere", None, False),
        ("break a if input.n > 1 if x", "a", "input.n > 1 if x", False),
        ("break error", None, None, True),
        ("break error b", "b", None, True),
        ("break\ta", "a", None, False),
    ],
)
def test_breakpoint_is_set_as_it_is_said(debug, scripted, line, stage_id, condition, on_error):
    scripted.tell(started("a", "b", "greeting"), paused("a", "entry"))

    debug(line)

    assert scripted.bodies[-1] == {
        "stage_id": stage_id,
        "condition": condition,
        "on_error": on_error,
    }


def test_breakpoints_are_listed_as_they_are_set(debug, halted):
    halted.breakpoints = [
        {"stage_id": "b", "condition": "item > 1", "on_error": False},
        {"stage_id": None, "condition": None, "on_error": True},
    ]

    assert after(debug("break"), "break") == ["break b if item > 1", "break error"]


@pytest.mark.parametrize(("line", "body"), [("clear", {}), ("clear b", {"stage_id": "b"})])
def test_breakpoints_are_cleared(debug, halted, line, body):
    done = debug(line)

    assert (commanded(halted)[-1], halted.bodies[-1]) == ("clear-breakpoint", body)
    assert after(done, line) == ["There is no breakpoint."]


def test_help_lists_every_command(debug, halted):
    told = " ".join(after(debug("help"), "help"))

    for name in ("step", "continue", "pause", "break", "clear", "back", "forward", "print", "quit"):
        assert f" {name} " in told
