"""The one door into a run: claiming it, and the lease that each later write proves."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from queue import SimpleQueue
from typing import Any

import config
from app.core import clock
from app.core.errors import LeaseLost
from app.engine.planner import Plan
from app.infra.database import statement
from app.models import journal_sql
from app.services.runs.variants import plan_of_run

# Woken runs and new ones take turns at being first, so that neither starves the other.
_due_first = itertools.cycle((False, True))


def ms(value: datetime | str) -> int:
    """A time of the database, as either database gives it, in milliseconds since 1970."""
    return clock.to_ms(clock.parse(value) if isinstance(value, str) else value)


class Lease:
    """The right to write a run until another epoch begins, and that run's own clock.

    The clock starts at the database's time of the claim and advances by this process's monotonic
    time, so machines whose clocks differ agree. `inbox` is where the driving thread waits: for
    finished calls (run id and answer), and for `None`, which only says "look again"; a child run
    that is executed in place shares that of its parent. `heard_seq` is the newest command counter
    that was seen, `control_seq` the one that is acted on, `control` its command, `breakpoints` JSON
    text. `is_noted`: a note came over the bus, and the row is to be read whatever the counters say.
    """

    def __init__(self, row: Mapping[str, Any], inbox: SimpleQueue[Any] | None = None) -> None:
        self.row = row
        self.run_id: str = row["id"]
        self.org_id: str = row["org_id"]
        self.epoch: int = row["epoch"]
        self.control_seq: int = row["control_seq"]
        self.heard_seq = self.control_seq
        self.control: str | None = row["control"]
        self.breakpoints: str = row["breakpoints"]
        self.is_noted = False
        self.inbox: SimpleQueue[Any] = inbox or SimpleQueue()
        self.is_lost = False
        self._claimed_at = ms(row["claimed_at"])
        self._claimed = clock.monotonic()

    @property
    def plan(self) -> Plan:
        """The plan of what the run executes."""
        return plan_of_run(self.row["pipeline_version_id"], self.row["document"])

    @property
    def started_at(self) -> int:
        """When the run first started, in milliseconds since 1970; for one that did not yet, when it
        was taken."""
        started = self.row["started_at"]
        return self._claimed_at if started is None else ms(started)

    def now(self) -> int:
        """The run's own time, in milliseconds since 1970; it never goes back."""
        return self._claimed_at + int((clock.monotonic() - self._claimed) * 1000)

    def held_seconds(self) -> float:
        """How long this worker has held the run."""
        return clock.monotonic() - self._claimed

    def lose(self) -> None:
        """Says that another holds the run now; the driving thread hears it at once."""
        self.is_lost = True
        self.inbox.put(None)

    def note(self) -> None:
        """Says that the run's control may have changed; the driving thread hears it at once."""
        self.is_noted = True
        self.inbox.put(None)

    def hear(self, control_seq: int) -> None:
        """Takes in the command counter that a write found; of a new one the driving thread hears
        at once."""
        self.heard_seq = control_seq
        if control_seq != self.control_seq:
            self.inbox.put(None)

    def check(self) -> None:
        """Raises LeaseLost once the lease is known to be lost."""
        if self.is_lost:
            raise LeaseLost(self.run_id)


def claim() -> Lease | None:
    """Takes the fair next run, or None when there is nothing to take."""
    # Rows that others were locking at that moment were passed over: ask once more.
    return _claim_once() or _claim_once()


def _claim_once() -> Lease | None:
    with statement():
        row = journal_sql.claim(
            due_first=next(_due_first), lease_seconds=config.settings().lease_seconds
        )
    return Lease(row) if row else None


_held: dict[str, Lease] = {}
_held_lock = threading.Lock()


@contextmanager
def holding(lease: Lease) -> Iterator[None]:
    """Has the heartbeat renew the lease for the length of a with block."""
    with _held_lock:
        _held[lease.run_id] = lease
    try:
        yield
    finally:
        with _held_lock:
            if _held.get(lease.run_id) is lease:
                del _held[lease.run_id]


def held() -> list[Lease]:
    """The leases of this process."""
    with _held_lock:
        return list(_held.values())


def note(run_id: str) -> None:
    """Has the run's control read again, if this process holds the run."""
    with _held_lock:
        lease = _held.get(run_id)
    if lease is not None:
        lease.note()


def note_all() -> None:
    """Has the control of all runs of this process read again: notes may have been lost."""
    for lease in held():
        lease.note()


def beat() -> None:
    """Renews all leases of this process by one statement, and tells those that are lost."""
    leases = held()
    if not leases:
        return
    with statement():
        renewed = journal_sql.renew(
            {lease.run_id: lease.epoch for lease in leases}, config.settings().lease_seconds
        )
    for lease in leases:
        if lease.run_id not in renewed:
            lease.lose()
        else:
            lease.hear(renewed[lease.run_id])
