"""Stopping runs: at once where nobody works on them, through their worker otherwise."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from app.core import wire
from app.core.errors import IllegalMove, NotFound
from app.infra import bus
from app.infra.database import release
from app.models.identity import AuditEntry
from app.services.runs import claim, control, drive, listening
from app.services.runs.journal import Journal
from tests.conftest import wait_until
from tests.services.runs.conftest import drive_behind, row, stored_types, tape, transform
from tests.services.runs.test_subpipeline import child_of, flaky, flaky_stage, sub  # noqa: F401

# ruff: noqa: F811 fixtures are parameters
FINAL = {"run_completed", "run_failed", "run_cancelled"}


@pytest.fixture
def who(who):
    """An administrator with a name of their own."""
    return replace(who, user_id="usr-stopper")


@pytest.fixture
def notes(settings, bells):
    """What has workers hear of commands at once."""
    bus.connect(settings.redis_url)
    notes = listening.listen()
    assert notes.subscribe(bus.CONTROL_CHANNEL, wait_seconds=30)
    yield notes
    notes.close()
    bus.publish_control("the last note wakes the reader")


def stops(*calls) -> list[object]:
    """Makes the calls at the same time; what each gave or raised."""
    gate, found = threading.Barrier(len(calls)), []

    def one(call):
        gate.wait()
        try:
            found.append(call())
        except IllegalMove as refused:
            found.append(refused)
        finally:
            release()

    together = [threading.Thread(target=one, args=(call,)) for call in calls]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    return found


def endings(run_id: str) -> list[str]:
    return [type for type in stored_types(run_id) if type in FINAL]


def test_stopped_pending_run_tells_who_stopped_it(deploy, start, who):
    run_id = start(deploy(transform("a")))

    told = control.stop(who, run_id)

    assert (told["status"], told["mode"]) == ("cancelled", "stopped")
    (last,) = tape(who, run_id)
    assert (last["seq"], last["type"], last["status"]) == (1, "run_cancelled", "cancelled")
    assert last["cancelled_by"] == "usr-stopper"


def test_stop_is_written_down_in_the_audit_log(deploy, start, who):
    run_id = start(deploy(transform("a")))

    control.stop(who, run_id)

    (entry,) = AuditEntry.select().where(AuditEntry.action == "run.stop")
    assert (entry.resource_type, entry.resource_id) == ("run", run_id)


def test_stop_of_another_organisations_run_is_absent(deploy, start, who, stranger):
    run_id = start(deploy(transform("a")))

    with pytest.raises(NotFound):
        control.stop(stranger, run_id)

    assert row(run_id).status == "pending"


def test_stop_reaches_a_busy_worker_by_its_note(deploy, start, flaky, who, notes):
    flaky.hold.clear()
    run_id = start(deploy(sub("s", deploy(flaky_stage()))))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    told = control.stop(who, run_id)
    driver.join(30)  # no heartbeat beats here
    flaky.hold.set()

    assert told["mode"] == "stopped"
    for stopped in (run_id, child_of(run_id).id):
        assert row(stopped).status == "cancelled"
        last = tape(who, stopped)[-1]
        assert last["type"] == "run_cancelled"
        assert last["cancelled_by"] == "usr-stopper"


def test_second_stop_of_a_running_run_answers_the_same(deploy, start, flaky, who):
    flaky.hold.clear()
    run_id = start(deploy(flaky_stage()))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    told = [wire.dumps(control.stop(who, run_id)) for _ in range(2)]
    claim.note_all()
    driver.join(30)
    flaky.hold.set()

    assert told[0] == told[1]
    assert endings(run_id) == ["run_cancelled"]
    assert row(run_id).control_seq == 1


def test_child_that_waits_elsewhere_tells_who_stopped_its_parent(deploy, run, flaky, who):
    again = {"max_attempts": 2, "initial_delay_ms": 60_000}
    parked = run(sub("s", deploy(flaky_stage(failures=9, retry=again))))

    control.stop(who, parked["id"])

    last = tape(who, child_of(parked["id"]).id)[-1]
    assert (last["type"], last["cancelled_by"]) == ("run_cancelled", "usr-stopper")


def test_write_that_finds_a_command_wakes_the_driving_thread(deploy, start, who):
    run_id = start(deploy(transform("a")))
    lease = claim.claim()
    journal = Journal(lease)

    journal.flush()
    woken_before = not lease.inbox.empty()
    control.stop(who, run_id)  # nobody listens to notes here
    journal.flush()

    assert (woken_before, lease.inbox.empty()) == (False, False)


def ended_once(who, run_id: str) -> str:
    """How a run ended, which its events tell once, at last and without a gap."""
    (end,) = endings(run_id)
    seqs = [event["seq"] for event in tape(who, run_id)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert stored_types(run_id)[-1] == end == f"run_{row(run_id).status}"
    return row(run_id).status


@pytest.mark.parametrize("round", range(5))
def test_stop_against_claim_ends_the_run_once(deploy, start, flaky, who, notes, round):
    flaky.hold.clear()
    run_id = start(deploy(flaky_stage()))

    stops(drive.advance_run, lambda: control.stop(who, run_id))
    flaky.hold.set()

    assert ended_once(who, run_id) == "cancelled"


@pytest.mark.parametrize("round", range(5))
def test_stop_against_park_leaves_nothing_parked(deploy, start, flaky, who, round):
    flaky.hold.clear()
    again = {"max_attempts": 2, "initial_delay_ms": 60_000}
    run_id = start(deploy(flaky_stage(failures=9, retry=again)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    stops(flaky.hold.set, lambda: control.stop(who, run_id))
    driver.join(30)

    assert ended_once(who, run_id) == "cancelled"
    assert row(run_id).wake_at is None


@pytest.mark.parametrize("round", range(5))
def test_stop_against_settle_ends_the_run_once(deploy, start, who, round):
    run_id = start(deploy(transform("a")))

    stops(drive.advance_run, lambda: control.stop(who, run_id))

    assert ended_once(who, run_id) in ("completed", "cancelled")
