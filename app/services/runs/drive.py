"""Driving runs: one thread, a pool for calls, and an inbox where facts arrive.

The thread asks each of its runs for a turn and waits for the next fact. It has one run that it
claimed and, beside that, the child runs that their parents wait for: no thread waits for another.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import suppress

from app.core import clock
from app.core.errors import LeaseLost
from app.engine.instance import ChildCall, Failed, Finished, HandedBack, Outcome, Parked
from app.infra.broker import ring
from app.infra.database import statement
from app.models import journal_sql
from app.services import figures
from app.services.runs import child, commands
from app.services.runs.child import Ended
from app.services.runs.claim import Lease, claim, held
from app.services.runs.driven import Driven
from app.services.runs.standins import SOURCE_GONE, SourceGone
from app.services.runs.stopping import end_unheld, stop_run
from config.logging import bound

log = logging.getLogger(__name__)

SLICE_SECONDS = 300.0  #: a run that has worked so long parks and is due at once
PASS_ON_SECONDS = 0.2  #: how long a process that stops keeps a bell that it took
STOP_GRACE_SECONDS = 5.0  #: what stages get to finish when this process stops

#: Set when this process is to stop: runs start nothing more and are handed back.
stopping = threading.Event()


def advance_run() -> None:
    """Takes the next run, if there is one, and drives it until it ends, waits or is lost."""
    if stopping.is_set():
        return _pass_on()
    lease = claim()
    if lease is not None:
        drive(lease)


def _pass_on() -> None:
    """Rings again for another process: what this one hands back it must not take itself."""
    time.sleep(PASS_ON_SECONDS)  # until this process listens no more, or it would hear it again
    ring("runs")


def stop_driving() -> None:
    """Hands back every run of this process."""
    stopping.set()
    for lease in held():
        lease.inbox.put(None)


def drive(lease: Lease) -> None:
    """Drives a claimed run. Loses nothing whatever happens: what is not written is done again."""
    with bound(run_id=lease.run_id, org_id=lease.org_id):
        log.debug("run claimed", extra={"action": "run_claimed"})
        _Driver(lease).run()


class _Driver:
    """One thread: the run that it claimed, and the children that it executes in place."""

    def __init__(self, lease: Lease) -> None:
        self.first = lease
        self.inbox = lease.inbox
        self.runs: dict[str, Driven] = {}
        self.stop_at: float | None = None

    def run(self) -> None:
        """Turn after turn until every run has left."""
        try:
            self._add(self.first)
            while self.runs:
                for run in list(self.runs.values()):
                    self._advance(run)
                self._hear()
        finally:
            for run in self.runs.values():
                run.close()

    def _add(self, lease: Lease) -> None:
        try:
            self.runs[lease.run_id] = Driven(lease)
        except SourceGone:
            self._end_without_source(lease)
        self.inbox.put(None)

    def _end_without_source(self, lease: Lease) -> None:
        """Fails a fork that cannot begin, or go on, without what it takes over."""
        log.warning("source gone", extra={"action": "source_gone", "run_id": lease.run_id})
        with suppress(LeaseLost):
            for run_id in end_unheld(lease.row, Failed(SOURCE_GONE)):
                stop_run(run_id)
        parent = self.runs.get(lease.row["parent_run_id"])
        if parent is not None:
            parent.child_left(lease.run_id, None)
            parent.children.look_again()

    def _advance(self, run: Driven) -> None:
        try:
            self._turn(run)
        except LeaseLost:
            # Another worker has the run; whatever was buffered here is void.
            log.info("lease lost", extra={"action": "lease_lost", "run_id": run.lease.run_id})
            figures.lease_lost()
            self._gone(run)

    def _turn(self, run: Driven) -> None:
        asked, outcome = run.turn(self._must_stop())
        self._give_up(run)
        if outcome is None and self._grace_is_over():
            outcome = HandedBack()
        if outcome is not None:
            return self._leave(run, self._kind(run, outcome))
        for call in asked:
            self._begin_child(run, call)

    def _must_stop(self) -> bool:
        return stopping.is_set() or self.first.held_seconds() > SLICE_SECONDS

    def _grace_is_over(self) -> bool:
        if not stopping.is_set():
            return False
        if self.stop_at is None:
            self.stop_at = clock.monotonic() + STOP_GRACE_SECONDS
        return clock.monotonic() >= self.stop_at

    @staticmethod
    def _kind(run: Driven, outcome: Outcome) -> Outcome:
        # A run whose slice is over only makes room for others: that is waiting, not recovery.
        if isinstance(outcome, HandedBack) and not stopping.is_set():
            return Parked(run.lease.now())
        return outcome

    def _leave(self, run: Driven, outcome: Outcome) -> None:
        if not run.leave(outcome):
            self.inbox.put(None)
            return
        self._gone(run, child.ended(run.lease, outcome))

    def _gone(self, run: Driven, ended: Ended | None = None) -> None:
        """The run is no longer driven here; its parent hears what it has to wait for now."""
        del self.runs[run.lease.run_id]
        run.close()
        parent = self.runs.get(run.lease.row["parent_run_id"])
        if parent is not None:
            parent.child_left(run.lease.run_id, ended)
            self.inbox.put(None)

    def _begin_child(self, run: Driven, call: ChildCall) -> None:
        lease = run.begin_child(call)
        if lease is not None:
            self._add(lease)

    def _give_up(self, run: Driven) -> None:
        """Stops the children whose end this run no longer waits for."""
        for run_id in run.children.unwanted(run.coordinator.awaits):
            here = self.runs.get(run_id)
            if here is None:
                stop_run(run_id, commands.stopped_by(run.lease.control))
            else:
                self._stop_here(here, run.lease.control)

    def _stop_here(self, run: Driven, command: str | None) -> None:
        # Its parent may be written as ended and this process die before it is.
        with statement():
            journal_sql.command(run.lease.run_id, commands.stop(commands.stopped_by(command)))
        run.stop(command)
        self.inbox.put(None)

    def _hear(self) -> None:
        """Waits until something is there or due; then gives out all that is there."""
        with suppress(queue.Empty):
            self._give_out(self.inbox.get(timeout=self._patience()))
            while True:
                self._give_out(self.inbox.get_nowait())

    def _give_out(self, heard: tuple[str, Finished] | None) -> None:
        if heard is not None and (run := self.runs.get(heard[0])) is not None:
            run.answers.append(heard[1])

    def _patience(self) -> float | None:
        """Seconds until something is due by itself."""
        if not self.runs:
            return 0.0
        waits = [run.patience() for run in self.runs.values()]
        if self.stop_at is not None:
            waits.append(max(0.0, self.stop_at - clock.monotonic()))
        return min((wait for wait in waits if wait is not None), default=None)
