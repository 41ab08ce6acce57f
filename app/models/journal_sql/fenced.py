"""FLUSH and SETTLE: rows, events and snapshots behind one fence that proves the lease."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.infra.database import is_postgres
from app.models.journal_sql import rows
from app.models.journal_sql.dialect import HOLDS, execute, execute_often, later, now

_COPY_FROM_ROWS = 100


class Fenced(NamedTuple):
    """What a fenced write found: the number before its first event, and the command counter."""

    base: int
    control_seq: int


class Written(NamedTuple):
    """What to write behind a fence, in column order of STAGE_COLUMNS, EVENT_COLUMNS and
    SNAPSHOT_COLUMNS.

    `fresh` rows were never written before. `output_bytes` is added to the run's sum; `finished`
    says that some stage finished, which clears the count of recoveries.
    """

    fresh: Sequence[Sequence[Any]]
    known: Sequence[Sequence[Any]]
    events: Sequence[Sequence[Any]]
    output_bytes: int
    finished: bool
    snapshots: Sequence[Sequence[Any]] = ()


_ADVANCE = (
    "event_seq = event_seq + :n, output_bytes = output_bytes + :bytes, "
    "recoveries = CASE WHEN :finished THEN 0 ELSE recoveries END"
)
_SETTLED = (
    "status = :status, output = :output, output_stage_run_id = :output_stage_run_id, "
    "error = :error, usage = :usage, completed_at = :completed_at, duration_ms = :duration_ms, "
    "lease_until = NULL, wake_at = :wake_at, waiting_on = :waiting_on, "
    "paused_before = :paused_before, paused_iteration = :paused_iteration, "
    "paused_round = :paused_round, paused_reason = :paused_reason, "
    # What was asked is done.
    "control = CASE WHEN :status = 'paused' THEN NULL ELSE control END"
)


def _fence(settle: bool) -> str:
    change = _SETTLED if settle else f"lease_until = {later(':lease')}"
    # A command that came in between is seen by its counter: then nothing is written.
    seen = " AND control_seq = coalesce(:seen, control_seq)" if settle else ""
    return (
        f"UPDATE runs SET {_ADVANCE}, {change} WHERE {HOLDS}{seen} "
        "RETURNING event_seq - :n AS base, control_seq"
    )


@functools.lru_cache(maxsize=16)
def _pg_write(settle: bool, stages: bool, events: bool, snapshots: bool) -> str:
    parts = [f"fence AS ({_fence(settle)})"]
    if stages:
        parts.append(f"s AS ({rows.PG_STAGES})")
    if events:
        parts.append(f"e AS ({rows.PG_EVENTS})")
    if snapshots:
        parts.append(f"p AS ({rows.PG_SNAPSHOTS})")
    return f"WITH {', '.join(parts)} SELECT base, control_seq FROM fence"


def _write(fence: dict[str, Any], written: Written, settle: bool) -> Fenced | None:
    fence = {
        **fence,
        "n": len(written.events),
        "bytes": written.output_bytes,
        "finished": written.finished,
    }
    if not is_postgres():
        return _write_in_steps(fence, written, settle)
    if len(written.fresh) > _COPY_FROM_ROWS:
        return _write_by_copy(fence, written, settle)
    stages = [*written.fresh, *written.known]
    if stages:
        fence |= rows.stage_arrays(stages)
    if written.events:
        fence |= rows.event_arrays(written.events)
    if written.snapshots:
        fence |= rows.snapshot_arrays(written.snapshots)
    sql = _pg_write(settle, bool(stages), bool(written.events), bool(written.snapshots))
    found = execute_often(sql, fence).fetchone()
    return Fenced(*found) if found else None


def _unfenced(sql: str) -> str:
    return sql.replace("FROM fence, ", "FROM ")


def _write_by_copy(fence: dict[str, Any], written: Written, settle: bool) -> Fenced | None:
    """The same by COPY, for many rows; the caller has opened a transaction."""
    found = execute(_fence(settle), fence).fetchone()
    if found is None:
        return None
    run, org = fence["run"], fence["org"]
    fresh = ((run, org, *row) for row in written.fresh)
    rows.copy("stages", ("run_id", "org_id", *rows.STAGE_COLUMNS), fresh)
    numbered = ((run, found[0] + k, *event) for k, event in enumerate(written.events, 1))
    rows.copy("run_events", ("run_id", "seq", *rows.EVENT_COLUMNS), numbered)
    if written.known:
        values = {"run": run, "org": org, **rows.stage_arrays(written.known)}
        execute(_unfenced(rows.PG_STAGES), values)
    if written.snapshots:
        execute(
            _unfenced(rows.PG_SNAPSHOTS), {"run": run, **rows.snapshot_arrays(written.snapshots)}
        )
    return Fenced(*found)


def _write_in_steps(fence: dict[str, Any], written: Written, settle: bool) -> Fenced | None:
    found = execute(_fence(settle), fence).fetchone()
    if found is None:
        return None
    numbered = [(found[0] + k, *event) for k, event in enumerate(written.events, 1)]
    stages = (*written.fresh, *written.known)
    rows.write_one_by_one(fence["run"], fence["org"], stages, numbered, written.snapshots)
    return Fenced(*found)


def is_one_statement(written: Written) -> bool:
    """Whether PostgreSQL writes this in one statement, which commits by itself."""
    return len(written.fresh) <= _COPY_FROM_ROWS


def flush(
    run_id: str, org_id: str, epoch: int, lease_seconds: float, written: Written
) -> Fenced | None:
    """Writes rows and events of a running run and renews its lease. None: the lease is lost."""
    fence = {"run": run_id, "org": org_id, "epoch": epoch, "lease": lease_seconds}
    return _write(fence, written, settle=False)


def settle(
    run_id: str, org_id: str, epoch: int, written: Written, change: Mapping[str, Any]
) -> Fenced | None:
    """Writes the last rows and events, and how the run ends, pauses, parks or is handed back.

    `change` holds status, output, output_stage_run_id, error, usage, completed_at, duration_ms,
    wake_at, waiting_on, paused_before, paused_iteration, paused_round, paused_reason and `seen`:
    the control_seq acted on, or None when commands do not matter. A run that pauses has done what
    `control` asked. None: the lease is lost, or a command came in between.
    """
    fence = {"run": run_id, "org": org_id, "epoch": epoch, **change}
    return _write(fence, written, settle=True)


def wake_parent(parent_run_id: str) -> bool:
    """Makes the parent due that waits for children. A statement of its own, behind SETTLE in the
    same transaction: it must see a parent that parked a moment ago."""
    # Of several children that it waits for, `waiting_on` names one; the end of each is news.
    sql = (
        f"UPDATE runs SET wake_at = {now()}, waiting_on = NULL WHERE id = :parent "
        "AND status = 'running' AND waiting_on IS NOT NULL RETURNING id"
    )
    return execute(sql, {"parent": parent_run_id}).fetchone() is not None
