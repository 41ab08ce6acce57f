"""What is old goes, with all that belongs to it; what somebody may still need stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

import config
from app.core import clock
from app.core.ids import derived_id
from app.models import AuditEntry, IdempotencyKey, Run, RunEvent, Snapshot, StageRun
from app.services import housekeeping
from tests.services.pipelines.test_writers import at_once

DAY_MS = 86_400_000


@pytest.fixture
def new_run(org):
    """Stores a run that was made and, when final, ended so many days ago; gives its id."""

    def make(days: float, status: str = "completed", stages: int = 1, **more: object) -> str:
        made_ms = clock.now_ms() - int(days * DAY_MS)
        ended_ms = clock.now_ms() - int(more.pop("ended_days", days) * DAY_MS)
        run_id = derived_id("run", str(Run.select().count()), at_ms=made_ms)
        final = status in ("completed", "failed", "cancelled")
        Run.create(
            id=run_id,
            created_at=clock.from_ms(made_ms),
            completed_at=clock.from_ms(ended_ms) if final else None,
            org_id=org.id,
            pipeline_id="pl-1",
            pipeline_version_id="plv-1",
            pipeline_name="p",
            pipeline_version="1.0.0",
            status=status,
            input={},
            trace_id="0" * 32,
            **more,
        )
        for n in range(stages):
            StageRun.create(
                org_id=org.id,
                run=run_id,
                stage_id=f"s{n}",
                component_type="logger",
                status="completed",
                attempt=1,
            )
            RunEvent.create(run=run_id, seq=n + 1, type="x", data={}, at=clock.now())
            Snapshot.create(id=f"snp-{n}", created_at=clock.now(), run=run_id, seq=n)
        return run_id

    return make


def left() -> set[str]:
    return {run.id for run in Run.select()}


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_final_run_goes_with_all_that_belongs_to_it(new_run, status):
    new_run(91, status)
    young = new_run(89, status)

    assert housekeeping.apply_retention() == 1

    assert left() == {young}
    assert {stage.run_id for stage in StageRun.select()} == {young}
    assert {event.run_id for event in RunEvent.select()} == {young}
    assert {snapshot.run_id for snapshot in Snapshot.select()} == {young}


@pytest.mark.parametrize("status", ["pending", "running", "paused"])
def test_run_stays_while_a_fork_of_it_is_not_final(new_run, status):
    source = new_run(200)
    new_run(150, forked_from_run_id=source)
    fork = new_run(100, status, forked_from_run_id=source)

    assert housekeeping.apply_retention() == 1
    assert left() == {source, fork}

    Run.update(status="failed", completed_at=clock.now()).where(Run.id == fork).execute()
    assert housekeeping.apply_retention() == 1
    assert left() == {fork}


@pytest.mark.parametrize("status", ["pending", "running", "paused"])
def test_run_that_is_not_final_stays_however_old(new_run, status):
    old = new_run(900, status)

    housekeeping.apply_retention()

    assert left() == {old}


def test_age_counts_from_the_end_of_a_run(new_run):
    old = new_run(900, ended_days=1)

    housekeeping.apply_retention()

    assert left() == {old}


def test_child_stays_while_its_parent_is_not_final(new_run):
    parent = new_run(200, "running")
    child = new_run(199, parent_run_id=parent)

    housekeeping.apply_retention()

    assert left() == {parent, child}


def test_child_of_a_final_or_removed_parent_goes(new_run):
    new_run(150, parent_run_id=new_run(151, ended_days=1))
    new_run(150, parent_run_id="run-gone")

    assert housekeeping.apply_retention() == 2


def test_zero_days_keep_everything(new_run):
    old = new_run(900)

    with config.using(retention_days=0):
        housekeeping.apply_retention()

    assert left() == {old}


def test_large_runs_go_in_several_batches(new_run, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 3)
    monkeypatch.setattr(housekeeping, "RUNS_AT_ONCE", 2)
    for _ in range(5):
        new_run(100, stages=4)

    assert housekeeping.apply_retention() == 5

    assert (Run.select().count(), StageRun.select().count(), RunEvent.select().count()) == (0, 0, 0)


def test_two_that_keep_house_at_once_disturb_neither(new_run, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 3)
    for _ in range(20):
        new_run(100, stages=2)

    at_once(housekeeping.apply_retention, housekeeping.apply_retention)
    housekeeping.apply_retention()

    assert left() == set()


def test_old_lines_of_the_audit_log_go(org):
    for days in (91, 89):
        AuditEntry.create(
            id=derived_id("aud", str(days), at_ms=clock.now_ms() - days * DAY_MS),
            org_id=org.id,
            action="x.created",
            resource_type="x",
            resource_id=str(days),
            auth_type="local",
        )

    assert housekeeping.apply_retention() == 1

    assert [entry.resource_id for entry in AuditEntry.select()] == ["89"]


def test_expired_keys_go(org):
    for hours in (-1, 1):
        IdempotencyKey.create(
            org_id=org.id,
            route="r",
            key=str(hours),
            body_digest="d",
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(hours=hours),
        )

    assert housekeeping.purge_expired() == 1

    assert [key.key for key in IdempotencyKey.select()] == ["1"]
