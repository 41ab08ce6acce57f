"""A test run brought as far as it goes: its runs started, and once all have ended, judged.

Whoever does it holds a lease, as on a run. What it knows is always read from the suite and the
runs: nothing is lost with a worker, and nothing is judged twice into the result.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import peewee

import config
from app.core import clock, wire
from app.core.errors import InvalidPipeline, LeaseLost, RunError
from app.core.states import is_final
from app.core.wire import JSON
from app.engine.planner import Plan
from app.infra.broker import ring
from app.infra.database import AWAY, after_commit, statement
from app.models import journal_sql
from app.services.runs.testing.evidence import runs_of
from app.services.runs.testing.judging import ERRORED, FAILED, PASSED, SKIPPED, Judged, judge
from app.services.runs.testing.reporting import (
    NO_COVERAGE,
    Coverage,
    bounded,
    results,
    status_of,
    summary,
)
from app.services.runs.testing.starting import input_errors, start_cases
from app.services.runs.testing.suite import Case, Suite, read_suite
from config.logging import bound

log = logging.getLogger(__name__)


def advance_test_run() -> None:
    """Takes the next test run that is due, if there is one, and does what there is to do now."""
    with statement():
        row = journal_sql.claim_test_run(config.settings().lease_seconds)
    if row is None:
        return
    with bound(test_id=row["id"], org_id=row["org_id"]):
        try:
            _Advance(row).run()
        except LeaseLost:
            log.info("lease lost", extra={"action": "lease_lost"})
        except (*AWAY, peewee.PeeweeException):
            raise  # what was not written is done again
        except Exception:
            # It would fail again each time that it is taken up.
            log.exception("test run given up", extra={"action": "test_run_given_up"})
            _Advance(row).give_up()


class _Advance:
    """One look at one test run, which is held."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.suite: Suite = read_suite(wire.read(row["request"]))
        self.runs = runs_of(row["id"])
        self.keep = _Lease(row).keep

    def run(self) -> None:
        """Starts what can start; ends the test run when nothing is left that could."""
        try:
            plan = self.suite.subject.plan()
        except InvalidPipeline as refused:
            message = "The pipeline's document names what is no longer there."
            return self._end_all(
                RunError("VALIDATION", message, details={"errors": refused.errors})
            )
        fresh = self._startable(plan)
        if fresh and start_cases(self.row, self.suite, fresh):
            return self._leave()
        if not all(is_final(run.status) for run in self.runs.values()):
            return self._leave()
        coverage, judged = Coverage(plan), list(bounded(self._judged(plan)))
        for case, each in zip(self.suite.cases, judged, strict=True):
            if each.run_id:
                self.keep()
                coverage.add(case, each.run_id)
        self._end(coverage.to_json(), judged)

    def _startable(self, plan: Plan) -> list[Case]:
        """The tests whose runs are to start now."""
        if self.suite.fail_fast:
            return list(self._next_one(plan))
        return [case for case in self.suite.cases if self._lacks_run(case, plan)]

    def _lacks_run(self, case: Case, plan: Plan) -> bool:
        return not (case.skip or case.name in self.runs or input_errors(plan, case.input))

    def _next_one(self, plan: Plan) -> Iterator[Case]:
        """The first test without a run, when all before it passed."""
        newest = next(reversed(self.runs), None)
        for case in (case for case in self.suite.cases if not case.skip):
            run = self.runs.get(case.name)
            if run is None:
                if not input_errors(plan, case.input):
                    yield case
                return
            # Those before the newest passed, or it would not have started.
            if not is_final(run.status) or (
                case.name == newest and judge(case, run, plan, self.keep).status != PASSED
            ):
                return

    def _judged(self, plan: Plan) -> Iterator[Judged]:
        stopped = False
        for case in self.suite.cases:
            each = Judged(SKIPPED) if case.skip or stopped else self._judge(case, plan)
            stopped = stopped or (self.suite.fail_fast and each.status in (FAILED, ERRORED))
            yield each

    def _judge(self, case: Case, plan: Plan) -> Judged:
        run = self.runs.get(case.name)
        if run is not None:
            return judge(case, run, plan, self.keep)
        if errors := input_errors(plan, case.input):
            message = "The input does not match the pipeline's input_schema."
            error = RunError("VALIDATION", message, details={"errors": errors})
            return Judged(ERRORED, error=error)
        return Judged(ERRORED, error=RunError("ROUTING", "The pipeline was deleted."))

    def give_up(self) -> None:
        """Ends the test run for a defect of ours."""
        self._end_all(RunError("UNKNOWN", "The results could not be put together."))

    def _end_all(self, error: RunError) -> None:
        """Ends the test run with this for every test."""
        judged = [
            Judged(SKIPPED) if case.skip else Judged(ERRORED, error=error)
            for case in self.suite.cases
        ]
        self._end(NO_COVERAGE, judged)

    def _completed(self) -> int:
        """How many tests are over already."""
        ended = sum(is_final(run.status) for run in self.runs.values())
        return ended + sum(case.skip for case in self.suite.cases)

    def _leave(self) -> None:
        with statement():
            is_due = journal_sql.leave_test_run(
                self.row["id"], self.row["epoch"], self._completed()
            )
        if is_due:
            after_commit(lambda: ring("tests"))  # who heard a bell meanwhile found it held

    def _end(self, coverage: Mapping[str, JSON], judged: Sequence[Judged]) -> None:
        status, total = status_of(judged), len(judged)
        result = wire.dumps(
            {
                "name": self.suite.name,
                "summary": summary(judged),
                "tests": results(self.suite.cases, judged),
                "coverage": coverage,
            }
        )
        with statement():
            ended = journal_sql.end_test_run(
                self.row["id"], self.row["epoch"], status, result, total
            )
        if not ended:
            raise LeaseLost(self.row["id"])
        log.info("test run ended", extra={"action": "test_run_ended", "status": status})


class _Lease:
    """The lease on a test run, renewed while there is work on it."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row, self._renewed = row, clock.monotonic()

    def keep(self) -> None:
        """Renews the lease once a third of it is over. Raises LeaseLost."""
        seconds = config.settings().lease_seconds
        if clock.monotonic() - self._renewed < seconds / 3:
            return
        with statement():
            held = journal_sql.keep_test_run(self._row["id"], self._row["epoch"], seconds)
        if not held:
            raise LeaseLost(self._row["id"])
        self._renewed = clock.monotonic()
