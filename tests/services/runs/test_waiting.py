from __future__ import annotations

import json
import threading
import time

import pytest

from app.components import built_in
from app.core import clock
from app.core.errors import StageError
from app.engine.component import Component, Effect, Field, Kind
from app.infra import bus
from app.infra.database import release
from app.models import Run, StageRun
from app.services.runs import calls, claim, drive, journal, recover
from config.logging import JsonLines
from tests.conftest import wait_until
from tests.services.runs.conftest import drive_behind, row, seen, stored_types, tape, transform

LONG_AGO = clock.parse("2020-01-01T00:00:00Z")


class Flaky(Component):
    """Fails as often as it is told, then succeeds; counts its calls."""

    type = "flaky"
    effect = Effect.EFFECTFUL
    fields = {"failures": Field(Kind.INTEGER, required=True)}
    calls: list[str] = []
    hold = threading.Event()

    def run(self, context, inputs):
        """One attempt."""
        self.calls.append(context.idempotency_key)
        self.hold.wait(10)
        context.check()
        if len(self.calls) <= inputs.failures:
            raise StageError("CONNECTIVITY", "away")
        return {"calls": len(self.calls)}


@pytest.fixture
def flaky(monkeypatch):
    """The component, known to validation and workers."""
    component = Flaky()
    Flaky.calls = []
    Flaky.hold = threading.Event()
    Flaky.hold.set()
    registry = built_in()
    monkeypatch.setitem(registry._components, "flaky", component)
    return component


def stage(failures: int, **retry: object) -> dict:
    policy = {"max_attempts": 4, "initial_delay_ms": 1000, "jitter": False, **retry}
    return {
        "id": "f",
        "component_type": "flaky",
        "config": {"failures": failures},
        "retry": policy,
    }


def test_long_retry_delay_parks_the_run_without_a_worker(flaky, run, who):
    parked = run(stage(1, initial_delay_ms=1500))

    stored = row(parked["id"])
    assert (stored.status, stored.lease_until, stored.wake_at is not None) == (
        "running",
        None,
        True,
    )
    assert parked["stages"][0]["status"] == "pending"


def test_many_runs_in_a_delay_hold_no_worker_and_a_new_one_is_next(flaky, deploy, start, who):
    waiting = deploy(stage(1000, initial_delay_ms=60_000))
    for _ in range(100):
        start(waiting)
    for _ in range(100):
        drive.advance_run()
    quick = start(deploy(transform("a")))

    drive.advance_run()

    assert seen(who, quick)["status"] == "completed"
    assert Run.select().where(Run.wake_at.is_null(False), Run.lease_until.is_null()).count() == 100
    assert claim.held() == []


def test_parked_run_goes_on_at_its_time_and_waiting_is_no_event(flaky, run, who, bells):
    rung = bells()
    parked = run(stage(1, initial_delay_ms=1000), transform("g", depends_on=["f"]))

    wait_until(lambda: bells() == rung + 2)  # that of the start, and the alarm of who parked it
    drive.advance_run()

    done = seen(who, parked["id"])
    assert (done["status"], len(flaky.calls)) == ("completed", 2)
    assert done["stages"][0]["attempt"] == 2
    assert "execution_resumed" not in stored_types(parked["id"])
    started = [e for e in tape(who, parked["id"]) if e["type"] == "stage_started"]
    assert [e["attempt"] for e in started if e["stage_id"] == "f"] == [1, 2]
    assert started[1]["previous_error"]["type"] == "CONNECTIVITY"


def test_short_retry_delay_is_waited_for(flaky, run):
    done = run(stage(2, initial_delay_ms=10))

    assert (done["status"], len(set(flaky.calls)), len(flaky.calls)) == ("completed", 1, 3)


def test_exhausted_retries_fail_the_run(flaky, run):
    done = run(stage(9, max_attempts=2, initial_delay_ms=0))

    assert done["error"]["type"] == "RETRY_EXHAUSTED"
    assert done["error"]["details"]["cause"]["type"] == "CONNECTIVITY"


def test_stage_that_takes_too_long_times_out_and_its_answer_is_dropped(flaky, run):
    flaky.hold.clear()

    done = run({**stage(0, max_attempts=1), "timeout_ms": 100})
    flaky.hold.set()

    assert (done["status"], done["error"]["type"]) == ("failed", "TIMEOUT")


def test_stage_row_stands_before_its_effect(flaky, deploy, start, who):
    flaky.hold.clear()
    run_id = start(deploy(stage(0)))
    driver = drive_behind()

    wait_until(lambda: flaky.calls)

    stored = StageRun.get(StageRun.run == run_id)
    assert (stored.status, stored.attempt) == ("running", 1)
    flaky.hold.set()
    driver.join()
    assert seen(who, run_id)["status"] == "completed"


def test_worker_that_lost_its_lease_writes_nothing(flaky, deploy, start, who):
    flaky.hold.clear()
    run_id = start(deploy(stage(0)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    Run.update(epoch=Run.epoch + 1).where(Run.id == run_id).execute()  # another took it over
    flaky.hold.set()
    driver.join()

    assert StageRun.get(StageRun.run == run_id).status == "running"
    assert row(run_id).status == "running"


def test_heartbeat_tells_a_driver_that_its_lease_is_lost(flaky, deploy, start):
    flaky.hold.clear()
    run_id = start(deploy(stage(0)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    Run.update(epoch=Run.epoch + 1).where(Run.id == run_id).execute()
    claim.beat()
    driver.join(5)

    assert not driver.is_alive()
    assert claim.held() == []
    flaky.hold.set()


def test_stopping_process_hands_its_run_back(flaky, deploy, start, who, monkeypatch, bells):
    monkeypatch.setattr(drive, "STOP_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(drive, "stopping", threading.Event())
    flaky.hold.clear()
    run_id = start(deploy(stage(0)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)
    rung = bells()

    drive.stop_driving()
    driver.join(5)

    assert (row(run_id).status, row(run_id).recoveries, bells()) == ("pending", 0, rung + 1)
    monkeypatch.setattr(drive, "stopping", threading.Event())
    flaky.hold.set()
    drive.advance_run()
    done = seen(who, run_id)
    assert (done["status"], done["stages"][0]["attempt"]) == ("completed", 2)
    resumed = [e for e in tape(who, run_id) if e["type"] == "execution_resumed"]
    assert [e["reason"] for e in resumed] == ["recovery"]


def test_stopping_process_takes_no_run_and_rings_for_others(deploy, start, monkeypatch, bells):
    monkeypatch.setattr(drive, "PASS_ON_SECONDS", 0.0)
    monkeypatch.setattr(drive, "stopping", threading.Event())
    run_id = start(deploy(transform("a")))
    rung = bells()

    drive.stop_driving()
    drive.advance_run()

    assert (row(run_id).status, row(run_id).epoch, bells()) == ("pending", 0, rung + 1)


def test_run_that_worked_for_a_whole_slice_makes_room(flaky, run, who, monkeypatch):
    monkeypatch.setattr(drive, "SLICE_SECONDS", 0.0)

    parked = run(transform("a"))

    stored = row(parked["id"])
    assert (stored.status, stored.wake_at is not None) == ("running", True)
    monkeypatch.setattr(drive, "SLICE_SECONDS", 300.0)
    time.sleep(0.01)
    drive.advance_run()
    assert seen(who, parked["id"])["status"] == "completed"


def test_flusher_writes_what_has_waited_long_enough(flaky, deploy, start):
    flaky.hold.clear()
    run_id = start(deploy(stage(0), transform("side", 1)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)
    time.sleep(journal.FLUSH_AFTER_SECONDS * 1.5)

    journal.flush_old()

    assert "stage_started" in stored_types(run_id)
    flaky.hold.set()
    driver.join()


def test_sweep_hands_a_lost_run_to_another_worker(flaky, deploy, start, who, bells):
    flaky.hold.clear()
    run_id = start(deploy(stage(0)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)
    Run.update(lease_until=LONG_AGO).where(Run.id == run_id).execute()

    assert recover.sweep() == 1

    flaky.hold.set()
    driver.join()
    assert (row(run_id).status, row(run_id).recoveries) == ("pending", 1)
    drive.advance_run()
    done = seen(who, run_id)
    assert (done["status"], done["stages"][0]["attempt"]) == ("completed", 2)


def test_recovery_is_logged_with_its_run_and_organisation(deploy, start, org, caplog):
    run_id = start(deploy(transform("a")))
    claim.claim()
    Run.update(lease_until=LONG_AGO).execute()
    caplog.handler.setFormatter(JsonLines())

    recover.sweep()

    (line,) = [json.loads(line) for line in caplog.text.splitlines()]
    assert line["action"] == "run_recovered"
    assert (line["run_id"], line["org_id"]) == (run_id, org.id)


def test_sweep_rings_for_due_runs_when_redis_was_emptied(deploy, start, bells, settings):
    start(deploy(transform("a")))
    Run.update(created_at=LONG_AGO).execute()
    bus.client().flushdb()

    recover.sweep()
    recover.sweep()

    assert bells() == 1


def test_thread_that_never_comes_back_is_counted(flaky, run, monkeypatch):
    monkeypatch.setattr(calls, "STUCK_SECONDS", 0.0)
    flaky.hold.clear()

    run({**stage(0, max_attempts=1), "timeout_ms": 100})
    counted = calls.stuck()
    flaky.hold.set()

    assert counted == 1
    wait_until(lambda: calls.stuck() == 0)


def test_run_that_was_to_park_goes_on_when_a_command_came_in_between(
    flaky, run, monkeypatch, bells
):
    settle = journal.journal_sql.settle
    refused = []

    def settle_after_a_command(run_id, *arguments):
        if not refused:
            refused.append(run_id)
            Run.update(control_seq=Run.control_seq + 1).where(Run.id == run_id).execute()
        return settle(run_id, *arguments)

    monkeypatch.setattr(journal.journal_sql, "settle", settle_after_a_command)

    parked = run(stage(1, initial_delay_ms=5000))

    assert row(parked["id"]).wake_at is not None
    assert len(refused) == 1


def test_flusher_never_tells_of_an_end_that_does_not_stand(deploy, start, who, monkeypatch):
    monkeypatch.setattr(journal, "FLUSH_AFTER_SECONDS", 0.0)
    pipeline = deploy(transform("a"))
    done = threading.Event()

    def flush_all_the_time():
        while not done.is_set():
            journal.flush_old()
        release()

    flusher = threading.Thread(target=flush_all_the_time)
    flusher.start()
    try:
        run_ids = [start(pipeline) for _ in range(20)]
        for _ in run_ids:
            drive.advance_run()
    finally:
        done.set()
        flusher.join()

    for run_id in run_ids:
        assert stored_types(run_id).count("run_completed") == 1
        assert row(run_id).status == "completed"
