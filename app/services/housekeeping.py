"""What is removed by the hour (contract 10, Removal), a little at a time.

Each batch is a short transaction of its own. Any number of processes may keep house at once: they
pass over rows that another is removing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import peewee

import config
from app.core import clock
from app.core.ids import lowest_id
from app.core.states import RunStatus, is_final
from app.infra.database import release, skip_locked, transaction
from app.models import AuditEntry, IdempotencyKey, Run, RunEvent, Snapshot, StageRun, TestRun

log = logging.getLogger(__name__)

BATCH = 200  #: rows removed in one transaction: SQLite's other writers wait for no more
RUNS_AT_ONCE = 50
_PAUSE_SECONDS = 0.01  # long enough for whoever polls for SQLite's lock to get it


def keep_house() -> None:
    """Does the work of the hour."""
    removed = {"expired": purge_expired(), "outlived": apply_retention()}
    log.info("house kept", extra={"action": "house_kept", **removed})


def purge_expired() -> int:
    """Removes idempotency keys whose 24 hours are over; returns how many."""
    over = IdempotencyKey.expires_at < clock.now()
    return _remove(IdempotencyKey, over)


def apply_retention() -> int:
    """Removes final runs, test runs and lines of the audit log that are older than
    FLOWMASON_RETENTION_DAYS; returns how many. With 0 everything is kept."""
    days = config.settings().retention_days
    if not days:
        return 0
    before = clock.now() - timedelta(days=days)
    runs = sum(_remove_runs(ids) for ids in _outlived(before))
    return runs + sum(
        _remove(table, table.id < lowest_id(table.id_prefix, clock.to_ms(before)))
        for table in (TestRun, AuditEntry)
    )


def _outlived(before: datetime) -> Iterator[list[str]]:
    """Runs that may go, oldest first.

    Ids begin with the time of their making, so the walk along them ends where the young begin.
    """
    after, end = "", lowest_id("run", clock.to_ms(before))
    parent: Any = Run.alias()
    facts = (Run.status, Run.completed_at, parent.status.alias("parent_status"), _is_needed())
    while True:
        seen: Any = list(
            Run.select(Run.id, *facts)
            .join(parent, peewee.JOIN.LEFT_OUTER, on=(Run.parent_run_id == parent.id))
            .where(Run.id > after, Run.id < end)
            .order_by(Run.id)
            .limit(RUNS_AT_ONCE)
            .tuples()
        )
        if not seen:
            return
        after = seen[-1][0]
        yield [run_id for run_id, *known in seen if _may_go(before, *known)]


def _is_needed() -> Any:
    """SQL: a fork of the run is not final, so it may still take over what this one did."""
    fork: Any = Run.alias()
    # The index leaves out the runs that are no forks.
    forks = (fork.forked_from_run_id == Run.id) & fork.forked_from_run_id.is_null(False)
    is_open = fork.status.not_in([status for status in RunStatus if is_final(status)])
    return peewee.fn.EXISTS(fork.select(fork.id).where(forks, is_open))


def _may_go(
    before: datetime,
    status: str,
    completed_at: datetime | None,
    parent_status: str | None,
    is_needed: bool,
) -> bool:
    # A parent that is not final may still wait for it, or ask for its result again.
    if not is_final(RunStatus(status)) or completed_at is None or completed_at >= before:
        return False
    if is_needed:
        return False
    return parent_status is None or is_final(RunStatus(parent_status))


def _remove_runs(run_ids: list[str]) -> int:
    # What belongs to them first: one run may have ten thousand stages.
    _remove(Snapshot, Snapshot.run.in_(run_ids))
    _remove(RunEvent, RunEvent.run.in_(run_ids))
    _remove(StageRun, StageRun.run.in_(run_ids))
    return _remove(Run, Run.id.in_(run_ids))


def _remove(table: Any, which: Any) -> int:
    """Removes the rows in batches; returns how many."""
    key, total = table._meta.primary_key, 0
    columns = [getattr(table, name) for name in getattr(key, "field_names", (key.name,))]
    row = columns[0] if len(columns) == 1 else peewee.Tuple(*columns)
    while True:
        with transaction():
            some = skip_locked(table.select(*columns).where(which).limit(BATCH))
            removed = int(table.delete().where(row.in_(some)).execute())
        release()
        total += removed
        if removed < BATCH:
            return total
        time.sleep(_PAUSE_SECONDS)
