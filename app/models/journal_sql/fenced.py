"""FLUSH and SETTLE: rows, events and snapshots behind one fence that proves the lease."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.infra.database import database, is_postgres
from app.models.journal_sql.dialect import HOLDS, execute, execute_often, later, now

_STAGE_TYPES = {
    "id": "text",
    "stage_id": "text",
    "stage_name": "text",
    "component_type": "text",
    "status": "text",
    "attempt": "int",
    "failures": "int",
    "iteration_path": "text",
    "round": "int",
    "skip_reason": "text",
    "input": "text",
    "output": "text",
    "error": "text",
    "usage": "text",
    "logs": "text",
    "reused": "bool",
    "wake_at": "timestamptz",
    "started_at": "timestamptz",
    "completed_at": "timestamptz",
    "duration_ms": "bigint",
    "created_at": "timestamptz",
}
#: The columns of a stage row as `flush` and `settle` take them, beside run and organisation.
STAGE_COLUMNS = tuple(_STAGE_TYPES)
EVENT_COLUMNS = ("type", "stage_run_id", "data", "at")
_EVENT_TYPES = ("text", "text", "text", "timestamptz")
SNAPSHOT_COLUMNS = ("id", "created_at", "seq", "stage_run_id", "variables")
_SNAPSHOT_TYPES = ("text", "timestamptz", "int", "text", "text")
_KEPT = ("id", "stage_id", "stage_name", "component_type", "iteration_path", "round", "created_at")
_UPSERT = ", ".join(
    # An owner's input is written once, with its first row.
    "input = coalesce(excluded.input, stages.input)"
    if name == "input"
    else f"{name} = excluded.{name}"
    for name in STAGE_COLUMNS
    if name not in _KEPT
)
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


def _arrays(prefix: str, columns: Sequence[str], types: Sequence[str]) -> str:
    return ", ".join(
        f":{prefix}_{name}::{kind}[]" for name, kind in zip(columns, types, strict=True)
    )


_STAGE_INTO = f"INSERT INTO stages (run_id, org_id, {', '.join(STAGE_COLUMNS)}) "
_ON_CONFLICT = f" ON CONFLICT (run_id, stage_id, iteration_path, round) DO UPDATE SET {_UPSERT}"
_PG_STAGES = (
    f"{_STAGE_INTO} SELECT :run, :org, t.* FROM fence, "
    f"unnest({_arrays('s', STAGE_COLUMNS, tuple(_STAGE_TYPES.values()))}) AS t{_ON_CONFLICT}"
)
_PG_EVENTS = (
    "INSERT INTO run_events (run_id, seq, type, stage_run_id, data, at) "
    "SELECT :run, fence.base + t.k, t.type, t.stage, t.data, t.at FROM fence, "
    f"unnest({_arrays('e', EVENT_COLUMNS, _EVENT_TYPES)}) "
    "WITH ORDINALITY AS t(type, stage, data, at, k)"
)
_SNAPSHOT_INTO = f"INSERT INTO time_travel_snapshots (run_id, {', '.join(SNAPSHOT_COLUMNS)}) "
_PG_SNAPSHOTS = (
    f"{_SNAPSHOT_INTO} SELECT :run, t.* FROM fence, "
    f"unnest({_arrays('p', SNAPSHOT_COLUMNS, _SNAPSHOT_TYPES)}) AS t"
)


@functools.lru_cache(maxsize=16)
def _pg_write(settle: bool, stages: bool, events: bool, snapshots: bool) -> str:
    parts = [f"fence AS ({_fence(settle)})"]
    if stages:
        parts.append(f"s AS ({_PG_STAGES})")
    if events:
        parts.append(f"e AS ({_PG_EVENTS})")
    if snapshots:
        parts.append(f"p AS ({_PG_SNAPSHOTS})")
    return f"WITH {', '.join(parts)} SELECT base, control_seq FROM fence"


def _columns(prefix: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return {
        f"{prefix}_{name}": list(column)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


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
    rows = [*written.fresh, *written.known]
    if rows:
        fence |= _columns("s", STAGE_COLUMNS, rows)
    if written.events:
        fence |= _columns("e", EVENT_COLUMNS, written.events)
    if written.snapshots:
        fence |= _columns("p", SNAPSHOT_COLUMNS, written.snapshots)
    sql = _pg_write(settle, bool(rows), bool(written.events), bool(written.snapshots))
    found = execute_often(sql, fence).fetchone()
    return Fenced(*found) if found else None


def _write_by_copy(fence: dict[str, Any], written: Written, settle: bool) -> Fenced | None:
    """The same by COPY, for many rows; the caller has opened a transaction."""
    found = execute(_fence(settle), fence).fetchone()
    if found is None:
        return None
    run, org = fence["run"], fence["org"]
    _copy(
        "stages",
        ("run_id", "org_id", *STAGE_COLUMNS),
        ((run, org, *row) for row in written.fresh),
    )
    if written.known:
        values = {"run": run, "org": org, **_columns("s", STAGE_COLUMNS, written.known)}
        execute(_PG_STAGES.replace("FROM fence, ", "FROM "), values)
    numbered = ((run, found[0] + k, *event) for k, event in enumerate(written.events, 1))
    _copy("run_events", ("run_id", "seq", *EVENT_COLUMNS), numbered)
    _copy(
        "time_travel_snapshots",
        ("run_id", *SNAPSHOT_COLUMNS),
        ((run, *snapshot) for snapshot in written.snapshots),
    )
    return Fenced(*found)


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy(table: str, columns: Sequence[str], rows: Any) -> None:
    text = "".join(
        "\t".join("\\N" if v is None else str(v).translate(_ESCAPES) for v in row) + "\n"
        for row in rows
    )
    cursor = database.cursor()
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", io.StringIO(text))


_LITE_STAGES = f"{_STAGE_INTO} VALUES (?, ?, {', '.join('?' * len(STAGE_COLUMNS))}){_ON_CONFLICT}"
_LITE_EVENTS = (
    "INSERT INTO run_events (run_id, seq, type, stage_run_id, data, at) VALUES (?, ?, ?, ?, ?, ?)"
)
_LITE_SNAPSHOTS = f"{_SNAPSHOT_INTO} VALUES (?, {', '.join('?' * len(SNAPSHOT_COLUMNS))})"


def _write_in_steps(fence: dict[str, Any], written: Written, settle: bool) -> Fenced | None:
    found = execute(_fence(settle), fence).fetchone()
    if found is None:
        return None
    run, org = fence["run"], fence["org"]
    cursor = database.cursor()
    cursor.executemany(_LITE_STAGES, [(run, org, *row) for row in (*written.fresh, *written.known)])
    cursor.executemany(
        _LITE_EVENTS,
        [(run, found[0] + k, *event) for k, event in enumerate(written.events, 1)],
    )
    cursor.executemany(_LITE_SNAPSHOTS, [(run, *snapshot) for snapshot in written.snapshots])
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
