"""The journal of a run: rows, events and snapshots gathered in memory, written behind the fence;
then told."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import config
from app.core import clock, wire
from app.core.errors import LeaseLost
from app.core.states import TriggerType
from app.core.wire import JSON
from app.engine.instance import Instance, Record
from app.infra import bus
from app.infra.broker import ring
from app.infra.database import after_commit, statement, transaction
from app.models import journal_sql
from app.models.journal_sql import STAGE_COLUMNS, Fenced, Written
from app.services import figures
from app.services.runs import events
from app.services.runs.capturing import Captured
from app.services.runs.claim import Lease

FLUSH_AFTER_SECONDS = 0.05


def row_of(instance: Instance, at: int) -> tuple[Any, ...]:
    """The columns of an instance, in the order of STAGE_COLUMNS; `at` when it has no start."""
    key, started, ended = instance.key, instance.started_at, instance.completed_at
    return (
        instance.id,
        key.stage_id,
        instance.stage_name,
        instance.component_type,
        instance.status.value,
        instance.attempt,
        instance.failures,
        ".".join(map(str, key.path)),
        key.round,
        instance.skip_reason,
        _json(instance.input),
        instance.output_text,
        _json(instance.error.to_json() if instance.error else None),
        _json(instance.usage),
        _json(instance.logs or None),
        instance.reused,
        _time(instance.wake_at),
        _time(started),
        _time(ended),
        None if started is None or ended is None else ended - started,
        clock.text_of_ms(at if started is None else started),
    )


def _json(value: JSON) -> str | None:
    return None if value is None else wire.dumps(value)


def _time(at: int | None) -> str | None:
    return None if at is None else clock.text_of_ms(at)


class RunEvent(NamedTuple):
    """An event of the run itself; `at` in milliseconds since 1970."""

    type: str
    data: Mapping[str, JSON]
    at: int


class Journal:
    """What one driving thread has to say about its run. Safe to flush from another thread."""

    def __init__(self, lease: Lease, known: Iterable[str] = ()) -> None:
        self.lease = lease
        self._lock = threading.RLock()
        self._known = set(known)  # ids of rows that stand in the table
        self._rows: dict[str, tuple[Any, ...]] = {}
        self._events: list[tuple[str, Mapping[str, Any] | None, Mapping[str, JSON], str]] = []
        self._captured = Captured(lease.row)
        self._early: list[dict[str, JSON]] = []  # events that were stored by the claim
        self._first_at: float | None = None

    def announce(self, event: dict[str, JSON]) -> None:
        """Publishes, with the next flush, an event that stands already."""
        with self._lock:
            self._early.append(event)
            self._touch()

    def _touch(self) -> None:
        if self._first_at is None:
            self._first_at = clock.monotonic()

    def add(self, records: Iterable[Record]) -> None:
        """Buffers rows and events in order; of a row only its last state is written."""
        with self._lock:
            for instance, type, data, at, writes in records:
                row = row_of(instance, at)
                self._rows[instance.id] = row
                if type is not None:
                    stage, moment = dict(zip(STAGE_COLUMNS, row, strict=True)), clock.text_of_ms(at)
                    self._events.append((type, stage, data, moment))
                    if type in events.STAGE_ENDS:
                        self._captured.add(instance.id, moment, writes)
                self._touch()

    def flush_if_old(self) -> None:
        """Flushes what has been waiting for FLUSH_AFTER_SECONDS; a lost lease is told to the
        driving thread."""
        first_at = self._first_at
        if first_at is None or clock.monotonic() - first_at < FLUSH_AFTER_SECONDS:
            return
        try:
            self.flush()
        except LeaseLost:
            self.lease.lose()

    def flush(self) -> None:
        """Writes what is buffered and renews the lease, then publishes; the lease hears of
        commands.

        Raises LeaseLost, having written nothing, when another worker holds the run.
        """
        with self._lock:
            self.lease.check()
            written = self._written()
            seconds = config.settings().lease_seconds
            lease = self.lease
            with _around(written):
                fenced = journal_sql.flush(
                    lease.run_id, lease.org_id, lease.epoch, seconds, written
                )
                if fenced is None:
                    raise LeaseLost(lease.run_id)
                self._publish_after(fenced)
            self._forget()
            lease.hear(fenced.control_seq)

    def settle(
        self,
        change: Mapping[str, Any],
        event: RunEvent | None = None,
        said: Mapping[str, JSON] | None = None,
    ) -> bool:
        """Writes what is buffered, and last the `event` of the run itself, together with how the
        run ends or waits.

        `said` is what that event says to listeners beyond its stored data. False: a command came
        in between and nothing was written. Raises LeaseLost.
        """
        # Under one lock: a flush in between would tell of an end that does not stand yet.
        with self._lock:
            self.lease.check()
            last = [(event.type, None, event.data, clock.text_of_ms(event.at))] if event else []
            self._events += last
            try:
                return self._settle(change, said)
            finally:
                if last and self._events:
                    self._events.pop()

    def _settle(self, change: Mapping[str, Any], said: Mapping[str, JSON] | None) -> bool:
        written, lease = self._written(), self.lease
        ends = change["completed_at"] is not None
        parent = lease.row["parent_run_id"] if ends else None
        test_id = lease.row["trigger_id"] if ends and _is_test(lease) else None
        with transaction() if parent or test_id else _around(written):
            fenced = journal_sql.settle(lease.run_id, lease.org_id, lease.epoch, written, change)
            if fenced is None:
                return self._refused(change)
            if parent and journal_sql.wake_parent(parent):
                after_commit(lambda: ring("runs"))
            if test_id:
                journal_sql.wake_test_run(test_id)
                after_commit(lambda: ring("tests"))
            self._publish_after(fenced, said)
        if change["completed_at"]:
            figures.run_ended(change["status"])
        self._forget()
        return True

    def _refused(self, change: Mapping[str, Any]) -> bool:
        if change["seen"] is None:
            raise LeaseLost(self.lease.run_id)
        return False

    def _written(self) -> Written:
        fresh = [row for id, row in self._rows.items() if id not in self._known]
        known = [row for id, row in self._rows.items() if id in self._known]
        stored = [
            (type, stage and stage["id"], wire.dumps(_kept(type, stage, data)), at)
            for type, stage, data, at in self._events
        ]
        finished = [
            stage for type, stage, _, _ in self._events if stage and type in events.STAGE_ENDS
        ]
        size = sum(len((stage["output"] or "").encode()) for stage in finished)
        snapshots = self._captured.rows
        return Written(fresh, known, stored, size, bool(finished), snapshots)

    def _publish_after(self, fenced: Fenced, last: Mapping[str, JSON] | None = None) -> None:
        run_id, limit = self.lease.run_id, config.settings().event_output_bytes
        told = self._early + [
            events.event(run_id, fenced.base + k, type, at, data, stage, limit)
            for k, (type, stage, data, at) in enumerate(self._events, 1)
        ]
        if last:
            told[-1] |= last
        if told:
            payloads = [wire.dumps_bytes(event) for event in told]
            after_commit(lambda: bus.publish_events(run_id, payloads))

    def _forget(self) -> None:
        figures.stages_ended(
            stage for type, stage, _, _ in self._events if stage and type in events.STAGE_ENDS
        )
        if self._first_at is not None:
            figures.flushed(clock.monotonic() - self._first_at)
        self._known.update(self._rows)
        self._rows, self._events, self._early = {}, [], []
        self._captured.rows = []
        self._first_at = None


def _is_test(lease: Lease) -> bool:
    return bool(lease.row["trigger_type"] == TriggerType.TEST)


def _kept(type: str, stage: Mapping[str, Any] | None, data: Mapping[str, JSON]) -> Any:
    # A row moves on to its next attempt; what its earlier starts said must not move with it.
    if stage is not None and type == "stage_started" and stage["attempt"] != 1:
        return {"attempt": stage["attempt"], **data}
    return data


def _around(written: Written) -> Any:
    return statement() if journal_sql.is_one_statement(written) else transaction()


_open: set[Journal] = set()
_open_lock = threading.Lock()
some_open = threading.Event()  #: set while the flusher has something to watch


@contextmanager
def watched(journal: Journal) -> Any:
    """Has the flusher look after the journal for the length of a with block."""
    with _open_lock:
        _open.add(journal)
        some_open.set()
    try:
        yield journal
    finally:
        with _open_lock:
            _open.discard(journal)
            if not _open:
                some_open.clear()


def flush_old() -> None:
    """Flushes every journal of this process that has waited long enough."""
    with _open_lock:
        journals = list(_open)
    for journal in journals:
        journal.flush_if_old()
