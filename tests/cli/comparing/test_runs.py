"""`fm ci`: which runs are compared, and what is refused."""

from __future__ import annotations

import pytest

from app.core.ids import new_id
from app.models import Run
from tests.cli.comparing.conftest import GREET, changed
from tests.conftest import wait_until


def test_newest_runs_are_taken_and_only_recordings(ci, worker, ada, record):
    newer, newest = record("greet", name="Bob"), record("greet", name="Eve")
    stopped = worker.post("/run", {"pipeline": "greet", "input": {"name": "x"}})["run_id"]
    wait_until(lambda: worker.get(f"/runs/{stopped}")["status"] == "completed")
    Run.update(status="cancelled").where(Run.id == stopped).execute()
    replay = record("greet", name="again")
    Run.update(trigger_type="replay").where(Run.id == replay).execute()

    done = ci(GREET, runs="last:2")

    assert [line.split()[1] for line in done.stdout.splitlines()[:2]] == [newest, newer]
    for run_id, why in ((stopped, "is cancelled;"), (replay, "is a replay,")):
        refused = ci(GREET, runs=f"{ada},{run_id}")
        assert (refused.exit_code, f"--runs: {run_id} {why}" in refused.stderr) == (2, True)


def test_named_runs_are_taken_in_their_order(ci, ada, record):
    eve = record("greet", name="Eve")

    done = ci(GREET, runs=f"{ada}, {eve},{ada}")

    assert [line.split()[1] for line in done.stdout.splitlines()[:2]] == [ada, eve]


def test_run_that_is_unknown_or_of_another_organisation_is_refused(ci, ada):
    theirs = Run.get_by_id(ada)
    Run.update(org_id=new_id("org")).where(Run.id == theirs.id).execute()

    for run_id in (ada, new_id("run")):
        done = ci(GREET, runs=run_id)

        assert (done.exit_code, done.stderr) == (2, f"fm: There is no run {run_id}.\n")


@pytest.mark.parametrize("runs", ["last:0", "last:101", "last:" + "9" * 5000, "last:", "run-1", ""])
def test_what_names_no_runs_is_a_usage_error(ci, here, runs):
    done = ci(GREET, runs=runs)

    assert done.exit_code == 2
    assert "--runs" in done.stderr


def test_more_runs_than_a_suite_holds_are_a_usage_error(ci, here):
    done = ci(GREET, runs=",".join(new_id("run") for _ in range(101)))

    assert (done.exit_code, "at most 100" in done.stderr) == (2, True)


def test_pipeline_without_runs_is_told(ci, worker):
    unknown = ci(GREET)
    worker.post("/pipelines", GREET)
    idle = ci(GREET)

    assert (unknown.exit_code, unknown.stderr) == (2, "fm: There is no pipeline greet.\n")
    assert idle.exit_code == 2
    assert idle.stderr == "fm: --runs: greet has no run that completed or failed.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--live", "nope"), "--live: the document has no stage nope."),
        (("--max-cost-increase", "-1"), "--max-cost-increase"),
        (("--max-cost-increase", "nan"), "--max-cost-increase"),
    ],
)
def test_bad_option_is_a_usage_error_that_names_it(ci, ada, words, said):
    done = ci(GREET, *words)

    assert (done.exit_code, said in done.stderr) == (2, True)


def test_document_with_problems_is_refused(ci, ada):
    done = ci(changed(GREET, "line", config={"data": "{{ nope }}"}))

    assert done.exit_code == 2
    assert "greet.pipeline.json:" in done.stderr


def test_without_a_studio_the_exit_code_is_4(ci, here):
    assert ci(GREET).exit_code == 4
