"""Outputs are bounded one by one and by run; priorities decide who is first."""

from __future__ import annotations

from dataclasses import replace

import pytest

import config
from app.models import Run, StageRun
from app.services.runs import drive
from tests.services.runs.conftest import row, seen, transform
from tests.services.runs.test_subpipeline import child_of, sub
from tests.services.runs.test_waiting import LONG_AGO, flaky, stage  # noqa: F401

# ruff: noqa: F811 fixtures are parameters
BIG = "x" * 600


@pytest.fixture
def limit(settings):
    """Changes limits: `limit(max_run_bytes=1000)`."""
    return lambda **changes: config.use(replace(settings, **changes))


def error_of(run: dict) -> tuple[str, str, int]:
    """Type and stage of a failed run's error, and the limit that it tells."""
    error = run["error"]
    return error["type"], error["stage_id"], error["details"]["limit"]


def test_stage_that_passes_the_bound_of_one_output_fails(limit, run):
    limit(max_output_bytes=500)

    failed = run(transform("small"), transform("big", BIG, depends_on=["small"]))

    assert (failed["error"]["type"], failed["error"]["stage_id"]) == ("EXECUTION", "big")
    assert "500 bytes" in failed["error"]["message"]
    assert [stage["status"] for stage in failed["stages"]] == ["completed", "failed"]


def test_stage_that_passes_the_bound_of_the_run_fails_and_the_others_stay(limit, run):
    limit(max_run_bytes=1500)

    failed = run(*(transform(f"s{n}", BIG, depends_on=[f"s{n - 1}"] * (n > 0)) for n in range(4)))

    assert error_of(failed) == ("EXECUTION", "s2", 1500)
    assert [stage["status"] for stage in failed["stages"]] == [
        "completed",
        "completed",
        "failed",
        "skipped",
    ]
    assert 1200 < row(failed["id"]).output_bytes <= 1500


def test_outputs_inside_a_loop_count(limit, run):
    limit(max_run_bytes=1500)
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": [1, 2, 3], "loop_stages": ["body"]},
    }

    failed = run(each, transform("body", BIG))

    assert error_of(failed) == ("EXECUTION", "body", 1500)
    assert failed["error"]["details"]["bytes"] > 1500


def test_outputs_from_before_a_change_of_worker_count(limit, flaky, run, who):
    limit(max_run_bytes=1500)
    parked = run(
        transform("a", BIG),
        {**stage(1, initial_delay_ms=60_000), "depends_on": ["a"]},
        transform("b", BIG, depends_on=["f"]),
        transform("c", BIG, depends_on=["b"]),
    )
    assert parked["status"] == "running"

    for table in (Run, StageRun):
        table.update(wake_at=LONG_AGO).where(table.wake_at.is_null(False)).execute()
    drive.advance_run()

    assert error_of(seen(who, parked["id"])) == ("EXECUTION", "c", 1500)


def test_outputs_of_a_child_count_in_the_child(limit, deploy, run):
    limit(max_run_bytes=1200)
    inner = deploy(transform("a", BIG), transform("out", depends_on=["a"]))

    done = run(transform("p", BIG), sub("s", inner, "p"))

    assert done["status"] == "completed"
    assert min(row(done["id"]).output_bytes, child_of(done["id"]).output_bytes) > 600


def test_urgent_runs_are_taken_before_others_and_patient_ones_last(deploy, start):
    pipeline = deploy(transform("a"))
    runs = [start(pipeline, priority=name) for name in ("low", "normal", "high", "normal", "high")]

    ended = []
    for _ in runs:
        drive.advance_run()
        done = {run.id for run in Run.select().where(Run.status == "completed")}
        ended += [run_id for run_id in runs if run_id in done and run_id not in ended]

    assert ended == [runs[at] for at in (2, 4, 1, 3, 0)]
