"""`fm pause`, `fm resume`, `fm step`: a run is halted, and goes on."""

from __future__ import annotations

import json

import pytest

from tests.cli.scripted import RUN_ID, paused, resumed, started

COMMANDS = ("pause", "resume", "step")


@pytest.mark.parametrize("command", COMMANDS)
def test_command_reaches_the_run(cli, scripted, command):
    scripted.runs = [{"id": RUN_ID}]

    assert cli(command, "last").exit_code == 0
    assert scripted.asked[-1] == ("POST", f"/api/v1/runs/{RUN_ID}/{command}", {})
    assert scripted.bodies == [{}]


def test_run_that_a_worker_holds_is_pausing(cli, scripted):
    scripted.tell(started("a"))

    told = cli("pause", RUN_ID).stdout

    assert told == f"Run {RUN_ID} is pausing: what is under way finishes first.\n"


def test_paused_run_tells_where_it_stands(cli, scripted):
    scripted.tell(started("a"))
    scripted.brings["pause"] = [[paused("a", "pause")]]
    scripted.stands = {"paused_before": "a", "paused_iteration": [1, 2]}

    assert cli("pause", RUN_ID).stdout == f"Run {RUN_ID} is paused before a[1.2].\n"


def test_run_that_goes_on_says_how_to_watch_it(cli, scripted):
    scripted.tell(started("a"), paused("a"))
    scripted.brings["resume"] = [[resumed()]]

    told = cli("resume", RUN_ID).stdout

    assert told == f"Run {RUN_ID} goes on; watch it: fm watch {RUN_ID}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_the_answer_of_studio(cli, scripted, command):
    scripted.tell(started("a"))

    assert json.loads(cli(command, RUN_ID, "--json").stdout)["run_id"] == RUN_ID


@pytest.mark.parametrize("command", COMMANDS)
def test_command_that_the_run_cannot_take_is_told(cli, scripted, command):
    sentence = "A completed run cannot do that."
    scripted.refuse_with = (409, {"code": "illegal-move", "detail": sentence})

    done = cli(command, RUN_ID)

    assert (done.exit_code, done.stderr) == (2, f"fm: {sentence}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_run_is_a_sentence(cli, scripted, command):
    scripted.refuse_with = (404, {"code": "not-found", "detail": "There is no such thing here."})

    assert cli(command, RUN_ID).stderr == f"fm: There is no run {RUN_ID}.\n"
