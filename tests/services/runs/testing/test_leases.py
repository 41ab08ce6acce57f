"""Who looks after a test run: one at a time, and another when that one is gone."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import redis

import config
from app.core import clock
from app.core.errors import LeaseLost
from app.infra import broker
from app.infra.database import release, statement
from app.models import Run, TestRun, journal_sql
from app.services.runs import drive, recover
from app.services.runs.testing import advancing
from app.services.runs.testing.advancing import advance_test_run
from app.services.runs.testing.starting import start_cases
from tests.services.runs.conftest import transform
from tests.services.runs.testing.conftest import advance_all, rung, runs_of, seen


@pytest.fixture
def taken(ask, deploy):
    """A suite of three tests that is taken and not begun; gives its id."""
    return ask(*[{"input": {"n": n}} for n in range(3)], pipeline_id=deploy(transform("a", 1)))


def claimed() -> dict:
    """The row of the test run, held from now on by somebody who does nothing."""
    with statement():
        row = journal_sql.claim_test_run(config.settings().lease_seconds)
    assert row is not None
    return row


def long_ago(test_id: str, column: str) -> None:
    moment = clock.now() - timedelta(minutes=1)
    TestRun.update({column: moment}).where(TestRun.id == test_id).execute()


def test_held_test_run_is_left_alone(taken):
    claimed()

    advance_test_run()

    assert runs_of(taken) == []


def test_lost_test_run_is_taken_up_and_ended(taken, who):
    claimed()
    long_ago(taken, "lease_until")

    advance_all(taken)

    assert seen(who, taken)["status"] == "passed"
    assert len(runs_of(taken)) == 3


def test_one_who_lost_the_lease_starts_nothing(taken):
    stale = claimed()
    long_ago(taken, "lease_until")
    advance_test_run()

    suite = advancing._Advance(stale).suite
    with pytest.raises(LeaseLost):
        start_cases(stale, suite, suite.cases)

    assert len(runs_of(taken)) == 3


def test_one_who_lost_the_lease_writes_no_result(taken, who):
    advance_test_run()
    for _ in range(3):
        drive.advance_run()
    stale = claimed()
    long_ago(taken, "lease_until")
    advance_test_run()
    first = TestRun.get_by_id(taken)

    with pytest.raises(LeaseLost):
        advancing._Advance(stale).run()

    again = TestRun.get_by_id(taken)
    assert (again.completed_at, again.result) == (first.completed_at, first.result)


def test_end_of_a_run_while_another_looks_is_not_lost(taken):
    advance_test_run()
    drive.advance_run()
    row = claimed()
    drive.advance_run()  # ends while the test run is held
    before = rung()

    advancing._Advance(row).run()

    assert rung() == before + 1
    advance_test_run()
    assert TestRun.get_by_id(taken).completed == 2


def test_sweep_rings_for_a_test_run_that_nobody_heard_of(taken, bells):
    broker._broker().client.flushdb()
    long_ago(taken, "wake_at")

    recover.sweep()

    assert rung() == 1


def test_sweep_rings_for_a_lost_test_run(taken, bells):
    claimed()
    broker._broker().client.flushdb()
    broker.mark_filled()
    recover.sweep()
    assert rung() == 0
    long_ago(taken, "lease_until")

    recover.sweep()

    assert rung() == 1


def test_sweep_does_not_ring_for_what_waits_for_its_runs(taken, bells):
    advance_test_run()
    broker._broker().client.flushdb()

    recover.sweep()

    assert rung() == 0


def test_many_at_once_start_each_test_once_and_end_it_once(ask, deploy, who):
    tests = [{"input": {"n": n}} for n in range(12)]
    test_id = ask(*tests, pipeline_id=deploy(transform("a", 1)))

    def work():
        try:
            while TestRun.get_by_id(test_id).status in ("pending", "running"):
                advance_test_run()
                drive.advance_run()
        finally:
            release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen(who, test_id)["summary"]["passed"] == 12
    assert Run.select().count() == 12


def test_without_redis_a_test_run_goes_on_when_it_is_swept_up(taken, who, monkeypatch):
    advance_test_run()
    drive.advance_run()
    row = claimed()
    drive.advance_run()

    def away(*_):
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(advancing, "ring", away)
        advancing._Advance(row).run()

    assert TestRun.get_by_id(taken).status == "running"
    advance_all(taken)
    assert seen(who, taken)["status"] == "passed"
