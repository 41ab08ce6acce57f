"""`fm debug`: what it prints of a run, now and at its snapshots."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.scripted import RUN_ID, completed, ended, paused, started
from tests.cli.transcripts import after

OUTPUT = {"items": [{"n": 1}, {"n": 2}], "odd key": "\u009b2J", "lines": "a\u2028b\x85c"}


def stage_run(stage_id, path=(), **rest):
    """A StageRun that has ended."""
    ends = {"status": "completed", "error": None, "output": None, **rest}
    return {"stage_id": stage_id, "iteration_path": list(path), **ends}


def snapshot(seq, stage_id=None, **rest):
    """A snapshot: without a stage that of the start."""
    return {
        "id": f"snp-{seq}",
        "seq": seq,
        "stage_id": stage_id,
        "iteration_path": [],
        "round": 0,
        "status": stage_id and "completed",
        "duration_ms": stage_id and 7,
        "input": {"n": 1},
        "stage_input": {"data": 1},
        "stage_output": {"result": seq},
        "accumulated_outputs": {},
        "variables": {},
        "error": None,
        **rest,
    }


@pytest.fixture
def halted(scripted):
    """A run that stands before `b`, with two ends of `a` in a loop."""
    scripted.tell(started("a", "load", "b"), completed("a"), paused("b"))
    scripted.stages = [
        stage_run("load", output=OUTPUT),
        *(stage_run("a", [n], output={"n": n}) for n in range(3)),
        stage_run("b", status="failed", error={"type": "HTTP", "message": "500"}),
    ]
    scripted.snapshots = [
        snapshot(0),
        snapshot(1, "a", iteration_path=[0], accumulated_outputs={"a": {"n": 0}}),
        snapshot(2, "a", iteration_path=[1], variables={"total": 5}),
        snapshot(3, "load"),
    ]
    return scripted


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("print load", OUTPUT),
        ("p lo items.1", {"n": 2}),
        ("print load.items.1.n", 2),
        ("print upstream.load.items[0]", {"n": 1}),
        ('print load["odd key"]', "\u009b2J"),
        ("print load.lines", "a b c"),
        ("print a", {"n": 2}),
        ("print a[1]", {"n": 1}),
        ("print a[1].n", 1),
        ("print input.names.0", "Ada"),
        ('print input["names"]', ["Ada", "Grace"]),
        ("print output", None),
        ("print vars", {}),
    ],
)
def test_value_is_printed_as_json(debug, halted, line, value):
    told = "\n".join(after(debug(line), line))

    # What would move the cursor of a terminal is not printed.
    assert json.loads(told) == json.loads(re.sub(r"\\u(009b|2028|0085)", " ", json.dumps(value)))


def test_output_that_is_a_list_is_printed_in_part(debug, scripted):
    scripted.output = [{"n": 1}, {"n": 2}]
    scripted.tell(started("a"), completed("a"), ended("completed"))

    done = debug("print output[1].n", "print output [0]")

    assert after(done, "print output[1].n") == ["2"]
    assert json.loads("".join(after(done, "print output [0]"))) == {"n": 1}


def test_variable_that_is_too_large_is_not_printed_as_null(debug, halted):
    halted.snapshots[3] |= {
        "variables": {"small": 1, "large": None},
        "variables_truncated": ["large"],
    }

    done = debug("print vars.small", "info", "print vars.large")

    assert after(done, "print vars.small") == ["1"]
    assert after(done, "info")[-1] == "too large to be shown: large"
    assert done.stderr == "fm: The variable large is too large to be shown with the others.\n"


def test_failed_stage_has_an_error_instead(debug, halted):
    assert debug("print b").stderr == "fm: Stage b failed: HTTP: 500\n"


@pytest.mark.parametrize("status", ["running", "skipped", "cancelled"])
def test_stage_that_has_not_completed_has_no_output(debug, halted, status):
    halted.stages.append(stage_run("c", status=status))

    assert debug("print c").stderr == f"fm: Stage c is {status}: it has no output.\n"


def test_back_begins_at_the_newest_snapshot_and_goes_on_from_there(debug, halted):
    done = debug("back", "<", "forward")

    steps = [body["from_snapshot_id"] for body in halted.bodies if "from_snapshot_id" in body]
    assert steps == ["snp-3", "snp-2", "snp-1"]
    assert after(done, "back") == [
        "snapshot 2: a[1] completed in 7 ms",
        'input: {"data":1}',
        'output: {"result":2}',
        'vars: {"total":5}',
    ]


def test_first_snapshot_is_the_input(debug, halted):
    done = debug("<", "<", "<")

    assert done.stdout.splitlines()[-2:] == ["snapshot 0: the start", 'input: {"n":1}']


def test_print_shows_the_snapshot_that_is_looked_at(debug, halted):
    done = debug("<", "print vars.total", "<", "print a.n", "print load")

    assert after(done, "print vars.total") == ["5"]
    assert after(done, "print a.n") == ["0"]
    assert done.stderr == "fm: Stage load has no output at this snapshot.\n"


def test_run_that_goes_on_is_looked_at_as_it_is_now(debug, halted):
    halted.brings["step"] = [[paused("b", "step")]]

    done = debug("back", "step", "back")

    steps = [body["from_snapshot_id"] for body in halted.bodies if "from_snapshot_id" in body]
    assert steps == ["snp-3", "snp-3"]
    assert "(paused before b, snapshot 2) step" in done.stdout


def test_info_shows_the_newest_end_of_a_stage(debug, halted):
    assert after(debug("info a"), "info a")[0] == "snapshot 2: a[1] completed in 7 ms"


def test_long_value_is_cut_on_the_way_and_whole_in_info(debug, halted):
    halted.snapshots[2]["stage_output"] = {"result": list(range(40))}

    done = debug("back", "info")

    assert "  ... and 32 lines more; info and print show all" in after(done, "back")
    assert after(done, "info")[-3].strip() == "]"


def test_end_of_history_is_told(debug, halted):
    detail = "This is the last snapshot."
    halted.refuses["step-forward"] = (409, {"code": "illegal-move", "detail": detail})

    done = debug("forward")

    assert (done.exit_code, done.stderr) == (2, f"fm: {detail}\n")
    assert halted.asked[-1][1] == f"/api/v1/time-travel/{RUN_ID}/step-forward"
