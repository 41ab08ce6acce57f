from __future__ import annotations

import threading
import time

import pytest

from app.core import clock
from app.core.ids import new_id
from app.infra.database import database, is_postgres, release, statement, transaction
from app.models import Run, RunEvent, StageRun, journal_sql
from app.models.journal_sql import Written, dialect
from tests.models.conftest import run_row

NOTHING = Written([], [], [], 0, False)
ENDED = {
    "status": "completed",
    "output": "1",
    "output_stage_run_id": None,
    "error": None,
    "usage": None,
    "completed_at": "2026-01-01T00:00:00.000Z",
    "duration_ms": 1,
    "wake_at": None,
    "waiting_on": None,
    "paused_before": None,
    "paused_iteration": None,
    "paused_round": None,
    "paused_reason": None,
    "seen": None,
}


def at_once(times, act):
    """What `act` gave in each of so many threads, started together."""
    barrier, answers = threading.Barrier(times), []

    def one():
        barrier.wait()
        try:
            answers.append(act())
        finally:
            release()

    threads = [threading.Thread(target=one) for _ in range(times)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return answers


def stage_row(n=1, id=None, **changes):
    columns = {
        "id": id or new_id("stg"),
        "stage_id": f"s{n}",
        "stage_name": None,
        "component_type": "logger",
        "status": "completed",
        "attempt": 1,
        "failures": 0,
        "iteration_path": "",
        "round": 0,
        "skip_reason": None,
        "input": None,
        "output": '{"a":"tab\\tnew\\nline\\\\"}',
        "error": None,
        "usage": None,
        "logs": None,
        "reused": False,
        "wake_at": None,
        "started_at": "2026-01-01T00:00:00.000Z",
        "completed_at": "2026-01-01T00:00:00.001Z",
        "duration_ms": 1,
        "created_at": "2026-01-01T00:00:00.000Z",
        **changes,
    }
    return tuple(columns.values())


def told(type="stage_completed", stage=None):
    return (type, stage, "{}", "2026-01-01T00:00:00.000Z")


def flush(run, written=NOTHING, epoch=None):
    with transaction():
        return journal_sql.flush(
            run["id"], run["org_id"], run["epoch"] if epoch is None else epoch, 10, written
        )


def settle(run, written=NOTHING, **changes):
    with statement():
        return journal_sql.settle(
            run["id"], run["org_id"], run["epoch"], written, {**ENDED, **changes}
        )


def test_accepted_run_is_claimed_with_its_first_event(accept, claim):
    run_id = accept()

    run = claim()

    assert (run["id"], run["status"], run["epoch"], run["event_seq"]) == (run_id, "running", 1, 1)
    assert [(e.seq, e.type) for e in RunEvent.select()] == [(1, "run_started")]


def test_claim_finds_nothing_when_nothing_waits(claim):
    assert claim() is None


def test_same_key_is_accepted_once_by_forty_threads(settings):
    key = {"route": "POST /runs", "key": "k", "body_digest": "d", "expires_at": "2999-01-01T00:00Z"}

    def accept():
        with statement():
            return journal_sql.accept(run_row("org-a"), key)

    answers = at_once(40, accept)

    assert sorted(answers) == [False] * 39 + [True]
    assert Run.select().count() == 1


def test_an_expired_key_is_taken_over(settings):
    key = {"route": "r", "key": "k", "body_digest": "d"}

    with statement():
        first = journal_sql.accept(
            run_row("org-a"), {**key, "expires_at": "2020-01-01T00:00:00.000Z"}
        )
    with statement():
        second = journal_sql.accept(
            run_row("org-a"), {**key, "expires_at": "2999-01-01T00:00:00.000Z"}
        )

    assert (first, second) == (True, True)


def test_organisation_that_holds_fewest_runs_is_served_first(accept, claim):
    for _ in range(5):
        accept("org-busy")
    claim()
    quiet = accept("org-quiet")

    assert claim()["id"] == quiet


def test_priority_then_age_decides_within_an_organisation(accept, claim):
    low, normal, high, later = (accept(priority=p) for p in (2, 1, 0, 1))

    assert [claim()["id"] for _ in range(4)] == [high, normal, later, low]


def test_sixteen_claimers_never_take_one_run_twice(accept, claim):
    ids = {accept(f"org-{n % 5}") for n in range(32)}

    def take():
        found = []
        while (run := claim()) or (run := claim()):
            found.append(run["id"])
        return found

    taken = [run_id for found in at_once(16, take) for run_id in found]

    assert sorted(taken) == sorted(ids)


def test_parked_run_is_claimed_when_its_time_has_come(accept, claim):
    accept()
    run = claim()
    settle(run, status="running", completed_at=None, wake_at=clock.text(clock.now()))
    time.sleep(0.01)

    again = claim(due_first=True)

    assert (again["id"], again["epoch"], again["was"]) == (run["id"], 2, "running")
    assert RunEvent.select().count() == 1  # waiting is no event


def test_parked_run_is_not_claimed_before_its_time(accept, claim):
    accept()
    settle(claim(), status="running", completed_at=None, wake_at="2999-01-01T00:00:00.000Z")

    assert claim(due_first=True) is None


@pytest.mark.parametrize("count", [1, 3, 250])
def test_flush_writes_rows_and_numbers_events_without_a_gap(accept, claim, count):
    accept()
    run = claim()
    rows = [stage_row(n) for n in range(count)]
    events = [told(stage=row[0]) for row in rows]

    fenced = flush(run, Written(rows, [], events, 10 * count, True))

    assert fenced.base == 1
    assert [e.seq for e in RunEvent.select().order_by(RunEvent.seq)] == list(range(1, count + 2))
    assert {row.output["a"] for row in StageRun.select()} == {"tab\tnew\nline\\"}
    assert Run.get().output_bytes == 10 * count


@pytest.mark.parametrize("fresh", [0, 150])
def test_flush_updates_a_row_that_stands(accept, claim, fresh):
    accept()
    run = claim()
    row = stage_row(0, status="running", input='{"x":1}')
    flush(run, Written([row], [], [], 0, False))

    flush(
        run,
        Written(
            [stage_row(n) for n in range(1, fresh + 1)],
            [stage_row(0, id=row[0], status="failed", attempt=2)],
            [],
            0,
            False,
        ),
    )

    stored = StageRun.get_by_id(row[0])
    assert (stored.status, stored.attempt, stored.input) == ("failed", 2, {"x": 1})
    assert StageRun.select().count() == fresh + 1


@pytest.mark.parametrize("count", [1, 250])
def test_flush_of_an_old_epoch_writes_nothing(accept, claim, count):
    accept()
    run = claim()

    rows = [stage_row(n) for n in range(count)]
    fenced = flush(run, Written(rows, [], [told()], 0, True), epoch=run["epoch"] - 1)

    assert fenced is None
    assert (StageRun.select().count(), RunEvent.select().count()) == (0, 1)


def test_settle_ends_the_run_once(accept, claim):
    accept()
    run = claim()

    first = settle(run, Written([stage_row()], [], [told(), told("run_completed")], 5, True))
    second = settle(run)

    stored = Run.get()
    assert (first.base, second) == (1, None)
    assert (stored.status, stored.output, stored.event_seq, stored.lease_until) == (
        "completed",
        1,
        3,
        None,
    )


def test_settle_is_refused_when_a_command_came_in_between(accept, claim):
    accept()
    run = claim()
    Run.update(control_seq=Run.control_seq + 1).execute()

    parked = settle(run, status="running", completed_at=None, seen=run["control_seq"])

    assert parked is None
    assert Run.get().lease_until is not None


def test_child_that_ends_makes_its_waiting_parent_due(accept, claim):
    parent, child = accept(), accept()
    settle(claim(), status="running", completed_at=None, waiting_on=child)

    with statement():
        woken = journal_sql.wake_parent(parent)

    stored = Run.get_by_id(parent)
    assert (woken, stored.waiting_on, stored.wake_at is not None) == (True, None, True)


def test_a_run_that_parked_meanwhile_is_not_renewed(accept, claim):
    accept()
    run = claim()
    settle(run, status="running", completed_at=None, wake_at="2030-01-01T00:00:00.000Z")

    with statement():
        renewed = journal_sql.renew({run["id"]: run["epoch"]}, 10)

    assert (renewed, Run.get_by_id(run["id"]).lease_until) == ({}, None)


def test_renew_tells_who_still_holds(accept, claim):
    accept()
    accept()
    mine, lost = claim(), claim()

    with statement():
        held = journal_sql.renew({mine["id"]: mine["epoch"], lost["id"]: 99}, 10)

    assert held == {mine["id"]: 0}


def test_sweep_finds_a_run_whose_lease_is_over(accept, claim):
    run_id = accept()
    claim(lease_seconds=0)
    time.sleep(0.01)

    with statement():
        found = journal_sql.sweep()

    assert found == [("lost", run_id, 1)]


def test_sweep_finds_pending_runs_that_nobody_was_told_of(accept):
    run_id = accept(created_at="2020-01-01T00:00:00.000Z")
    accept()  # a fresh one has its bell on the way

    with statement():
        found = journal_sql.sweep()

    assert found == [("due", run_id, 0)]


def test_lost_run_is_handed_over_once_under_a_new_epoch(accept, claim):
    accept()
    run = claim(lease_seconds=0)
    time.sleep(0.01)

    def hand_over():
        with statement():
            return journal_sql.hand_over(run["id"], run["epoch"], 5)

    answers = at_once(8, hand_over)

    stored = Run.get()
    assert [org_id for org_id in answers if org_id is not None] == [run["org_id"]]
    assert (stored.status, stored.epoch, stored.recoveries) == ("pending", 2, 1)


def test_a_live_lease_is_not_handed_over(accept, claim):
    accept()
    run = claim()

    with statement():
        assert not journal_sql.hand_over(run["id"], run["epoch"], 5)


def test_recovered_run_tells_that_it_was_resumed(accept, claim):
    accept()
    run = claim(lease_seconds=0)
    time.sleep(0.01)
    with statement():
        journal_sql.hand_over(run["id"], run["epoch"], 5)

    again = claim()

    last = RunEvent.select().order_by(RunEvent.seq.desc()).first()
    assert again["epoch"] == 3
    assert (last.seq, last.type, last.data) == (2, "execution_resumed", {"reason": "recovery"})


def test_a_finished_stage_clears_the_count_of_recoveries(accept, claim):
    accept()
    run = claim()
    Run.update(recoveries=4).execute()

    flush(run, Written([stage_row()], [], [told()], 0, True))

    assert Run.get().recoveries == 0


def test_connection_that_lost_its_prepared_statements_claims_all_the_same(accept, claim):
    accept()
    accept()
    claim()
    if is_postgres():
        database.execute_sql("DEALLOCATE ALL")  # as behind a pooler that changed the connection

    assert claim() is not None


def test_statement_that_somebody_prepared_on_this_connection_is_used(accept, claim):
    accept()
    accept()
    claim()
    dialect._prepared.clear()

    assert claim() is not None
