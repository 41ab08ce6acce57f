"""The rows that a worker writes: stage runs, events and snapshots, one or many at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from app.infra.database import database
from app.models.journal_sql.dialect import array

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
#: Of a snapshot; its id follows from its stage run, that of the start from the run.
SNAPSHOT_COLUMNS = ("created_at", "seq", "stage_run_id", "variables")
_KEPT = ("id", "stage_id", "stage_name", "component_type", "iteration_path", "round", "created_at")
_UPSERT = ", ".join(
    # An owner's input is written once, with its first row.
    "input = coalesce(excluded.input, stages.input)"
    if name == "input"
    else f"{name} = excluded.{name}"
    for name in STAGE_COLUMNS
    if name not in _KEPT
)


def _arrays(prefix: str, columns: Sequence[str], types: Sequence[str]) -> str:
    return ", ".join(
        f":{prefix}_{name}::{kind}[]" for name, kind in zip(columns, types, strict=True)
    )


_STAGE_INTO = f"INSERT INTO stages (run_id, org_id, {', '.join(STAGE_COLUMNS)}) "
_ON_CONFLICT = f" ON CONFLICT (run_id, stage_id, iteration_path, round) DO UPDATE SET {_UPSERT}"
#: The stage runs, behind a common table expression `fence`, of the arrays of `stage_arrays`.
PG_STAGES = (
    f"{_STAGE_INTO} SELECT :run, :org, t.* FROM fence, "
    f"unnest({_arrays('s', STAGE_COLUMNS, tuple(_STAGE_TYPES.values()))}) AS t{_ON_CONFLICT}"
)
#: The events, numbered on from `fence.base`, of the arrays of `event_arrays`.
PG_EVENTS = (
    "INSERT INTO run_events (run_id, seq, type, stage_run_id, data, at) "
    "SELECT :run, fence.base + t.k, t.type, t.stage, t.data, t.at FROM fence, "
    f"unnest({_arrays('e', EVENT_COLUMNS, _EVENT_TYPES)}) "
    "WITH ORDINALITY AS t(type, stage, data, at, k)"
)
_SNAPSHOT_INTO = (
    "INSERT INTO time_travel_snapshots (run_id, id, created_at, seq, stage_run_id, variables) "
)
#: The snapshots, of the values of `snapshot_arrays`. Ids and numbers are made there: to send one
#: costs as much as to write its row.
PG_SNAPSHOTS = (
    f"{_SNAPSHOT_INTO} SELECT :run, 'snp-' || substr(coalesce(t.stage, :run), 5), t.at, "
    ":p_first + t.k - 1, t.stage, t.variables FROM fence, "
    "unnest(:p_at::timestamptz[], :p_stage::text[], :p_variables::text[]) "
    "WITH ORDINALITY AS t(at, stage, variables, k)"
)


def _arrays_of(prefix: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return {
        f"{prefix}_{name}": array(column)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def stage_arrays(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The parameters of PG_STAGES, of rows in order of STAGE_COLUMNS."""
    return _arrays_of("s", STAGE_COLUMNS, rows)


def event_arrays(events: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The parameters of PG_EVENTS, of rows in order of EVENT_COLUMNS."""
    return _arrays_of("e", EVENT_COLUMNS, events)


def snapshot_arrays(snapshots: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The parameters of PG_SNAPSHOTS, of rows in order of SNAPSHOT_COLUMNS without a gap."""
    at, numbers, stages, variables = zip(*snapshots, strict=True)
    return {
        "p_first": numbers[0],
        "p_at": array(at),
        "p_stage": array(stages),
        "p_variables": array(variables),
    }


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes many rows on PostgreSQL, in an open transaction."""
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
_LITE_SNAPSHOTS = (
    f"{_SNAPSHOT_INTO} VALUES (?1, 'snp-' || substr(coalesce(?4, ?1), 5), ?2, ?3, ?4, ?5)"
)


def write_one_by_one(
    run: str,
    org: str,
    stages: Iterable[Sequence[Any]],
    events: Iterable[Sequence[Any]],
    snapshots: Iterable[Sequence[Any]],
) -> None:
    """Writes the rows of a run on SQLite; the events have their numbers in front."""
    cursor = database.cursor()
    cursor.executemany(_LITE_STAGES, [(run, org, *row) for row in stages])
    cursor.executemany(_LITE_EVENTS, [(run, *event) for event in events])
    cursor.executemany(_LITE_SNAPSHOTS, [(run, *snapshot) for snapshot in snapshots])
