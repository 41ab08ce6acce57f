"""`fm stop`: a run is asked to end."""

from __future__ import annotations

import json

from tests.cli.scripted import RUN_ID, ended, started


def test_run_that_a_worker_holds_is_stopping(cli, scripted):
    scripted.tell(started("a"))

    done = cli("stop", RUN_ID)

    assert done.exit_code == 0
    assert done.stdout == f"Run {RUN_ID} is stopping; see its end: fm watch {RUN_ID}\n"
    assert scripted.asked == [("POST", f"/api/v1/runs/{RUN_ID}/stop", {})]
    assert scripted.bodies == [{}]


def test_run_that_waited_is_cancelled(cli, scripted):
    scripted.tell(ended("cancelled"))

    assert cli("stop", RUN_ID).stdout == f"Run {RUN_ID} is cancelled.\n"


def test_json_is_the_answer_of_studio(cli, scripted):
    scripted.tell(ended("cancelled"))

    assert json.loads(cli("stop", RUN_ID, "--json").stdout)["status"] == "cancelled"


def test_run_that_has_ended_is_told(cli, scripted):
    sentence = "A completed run cannot be stopped."
    scripted.refuse_with = (409, {"code": "illegal-move", "detail": sentence})

    done = cli("stop", RUN_ID)

    assert (done.exit_code, done.stderr) == (2, f"fm: {sentence}\n")


def test_unknown_run_is_a_sentence(cli, scripted):
    scripted.refuse_with = (404, {"code": "not-found", "detail": "There is no such thing here."})

    assert cli("stop", RUN_ID).stderr == f"fm: There is no run {RUN_ID}.\n"
