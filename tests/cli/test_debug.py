"""`fm debug`: a run is moved stage by stage, by a script of commands."""

from __future__ import annotations

import threading

import pytest

from app.cli.debugger import printing, prompt
from app.cli.runs import following
from tests.cli.documents import note
from tests.cli.scripted import RUN_ID, completed, ended, paused, resumed, stage, started
from tests.cli.transcripts import after, commanded
from tests.conftest import wait_until

ERROR = {"type": "TIMEOUT", "message": "too \x1b slow", "stage_id": "b"}


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Asks a Studio that is away more often than a person's patience needs."""
    monkeypatch.setattr(following, "_AWAY_PAUSE_SECONDS", 0.02)


@pytest.fixture
def halted(scripted):
    """A run of `a` and `b` that stands before `b`."""
    scripted.document = [note("a"), note("b")]
    scripted.tell(started("a", "b"), stage("started", "a"), completed("a"), paused("b"))
    return scripted


def test_overview_shows_stages_states_breakpoints_and_where_the_run_stands(debug, halted):
    bill = {"stage_id": "b", "condition": None, "on_error": False}
    halted.breakpoints = [bill, bill | {"on_error": True}]

    done = debug()

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"greet 1.0.0, {RUN_ID}",
        "     a  completed  5 ms",
        ">*!  b  pending",
        "The run is paused before b: breakpoint",
    ]


def test_run_that_stands_at_its_entry_shows_what_its_loops_hold(debug, scripted):
    scripted.document, scripted.owners = [note("each")], {"line": "each"}
    scripted.tell(paused("each", "entry"))

    assert [line.split() for line in debug().stdout.splitlines()[1:3]] == [
        [">", "each", "pending"],
        ["line", "pending"],
    ]


def test_script_that_leaves_a_paused_run_sends_it_nothing(debug, halted):
    done = debug("# nothing to do", "", "quit", "stop")

    assert (done.exit_code, commanded(halted)) == (0, validations(halted))
    assert done.stderr == (f"The run is left paused before b. Come back to it: fm debug {RUN_ID}\n")


def validations(scripted):
    """Requests that only ask for the shape of the pipeline."""
    return [path for path in commanded(scripted) if path.endswith("/validate")]


def test_step_tells_what_happens_until_the_run_stands_again(debug, halted):
    rest = [stage("started", "b"), completed("b"), paused("c", "step", (1, 0))]
    halted.brings["step"] = [[resumed("step"), *rest]]

    done = debug("step")

    assert after(done, "step") == [
        "    5  resumed: step",
        "    6  b started",
        "    7  b completed in 5 ms",
        "    8  paused: step",
        "The run is paused before c[1.0]: step",
    ]


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 3)])
def test_exit_code_tells_how_the_run_ended(debug, halted, status, code):
    halted.brings["resume"] = [[resumed(), ended(status, error=ERROR, failed_stage_id="b")]]

    done = debug("continue", "list")

    assert (done.exit_code, done.stderr) == (code, "")


def test_failure_is_told_with_its_stage(debug, halted):
    halted.brings["resume"] = [[resumed(), ended("failed", error=ERROR, failed_stage_id="b")]]

    assert after(debug("c"), "c")[-1] == "The run failed at b: TIMEOUT: too   slow"


def test_pause_at_an_error_tells_it(debug, halted):
    halted.brings["resume"] = [[resumed(), paused("b", "error", error=ERROR)]]

    told = after(debug("c"), "c")[-1]

    assert told == "The run is paused at the error of b: TIMEOUT: too   slow"


def test_continue_of_a_run_on_its_way_waits_for_its_end(debug, scripted):
    scripted.tell(started("a"))
    detail = "This run is running, not paused: there is nothing to resume."
    scripted.refuses["resume"] = (409, {"code": "illegal-move", "detail": detail})
    ending = threading.Thread(target=tell_when, args=[scripted, "resume", ended("completed")])
    ending.start()

    done = debug("continue")

    ending.join()
    assert after(done, "continue") == ["    2  completed in 12 ms", "The run is completed"]


def test_continue_of_a_resumed_run_that_no_worker_has_taken_yet_waits_for_it(debug, halted):
    detail = "This run is pending, not paused: there is nothing to resume."
    halted.refuses["resume"] = (409, {"code": "illegal-move", "detail": detail})
    taking = threading.Thread(
        target=tell_when, args=[halted, "resume", resumed(), ended("completed")]
    )
    taking.start()

    done = debug("continue")

    taking.join()
    assert after(done, "continue")[-1] == "The run is completed"


def test_what_another_client_did_is_told_before_the_answer(debug, halted):
    halted.brings["set-breakpoint"] = [[resumed(), stage("started", "b")]]
    halted.brings["pause"] = [[paused("b", "pause")]]

    done = debug("break error", "break", "pause")

    assert after(done, "break")[:2] == ["    5  resumed: resume", "    6  b started"]
    assert after(done, "pause") == ["    7  paused: pause", "The run is paused before b: pause"]


def tell_when(scripted, command, *events):
    """Goes on with the run when somebody has sent this command."""
    wait_until(lambda: command in commanded(scripted))
    scripted.tell(*events)


def test_interrupt_of_an_answer_does_not_say_that_a_halted_run_goes_on(debug, halted, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(prompt, "is_script", lambda: False)
    monkeypatch.setattr(prompt, "read_lines", lambda *_: iter(["print input", "list"]))
    monkeypatch.setattr(printing, "find_value", interrupted)

    told = debug().stdout

    assert "The run goes on" not in told
    assert told.count("The run is paused before b") == 2


def test_resumed_run_that_waits_for_a_worker_is_not_left_as_paused(debug, halted, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(prompt, "is_script", lambda: False)
    monkeypatch.setattr(prompt, "read_lines", lambda *_: iter(["continue", "list"]))
    monkeypatch.setattr(following.Follower, "_wait", interrupted)

    done = debug()

    assert "The run goes on. pause halts it" in done.stdout
    assert done.stdout.splitlines()[-1] == "The run is pending"
    assert done.stderr.startswith("The run is left pending. ")


def test_script_is_printed_as_if_it_were_typed(debug, halted):
    assert "(paused before b) print input.names" in debug("print input.names").stdout


def test_argument_that_is_no_run_starts_a_pipeline_and_halts_at_its_entry(cli, scripted):
    scripted.document = [note("a")]
    scripted.tell(paused("a", "entry"))

    done = cli("debug", "greet", "--set", "n=5", input="")

    assert scripted.bodies[0] == {"pipeline_id": "greet", "input": {"n": 5}, "stop_on_entry": True}
    assert done.stdout.splitlines()[1:] == [
        "    1  paused: entry",
        ">    a  pending",
        "The run is paused before a: entry",
    ]


def test_run_that_exists_takes_no_input(cli, scripted):
    done = cli("debug", RUN_ID, "--set", "n=5")

    assert done.exit_code == 2
    assert "A run has its input already" in done.stderr
    assert scripted.asked == []


def test_last_is_the_newest_run(debug, halted):
    halted.runs = [{"id": RUN_ID}]

    assert debug(what="last").stdout.startswith(f"greet 1.0.0, {RUN_ID}\n")


def test_unknown_run_is_a_sentence(debug, scripted):
    other = "run-01jz0000000000000000000001"

    assert debug(what=other).stderr == f"fm: There is no run {other}.\n"


def test_without_a_studio_the_exit_code_is_4(debug):
    assert debug().exit_code == 4


def test_studio_that_is_away_for_a_moment_is_waited_for(debug, scripted):
    scripted.tell(started("a"), paused("a"))
    scripted.brings["step"] = [[resumed("step")]]

    def be_away():
        wait_until(lambda: len(scripted.events) == 3)
        scripted.refuse_with = (503, {})
        before = len(scripted.asked)
        wait_until(lambda: len(scripted.asked) > before + 1)
        scripted.tell(completed("a"), ended("completed"))
        scripted.refuse_with = None

    away = threading.Thread(target=be_away)
    away.start()
    done = debug("step")

    away.join()
    assert done.exit_code == 0
    assert "Studio does not answer any more" in done.stderr
    assert [line.split()[0] for line in after(done, "step")] == ["3", "4", "5", "The"]
