"""Snapshots lie by run and number only: one tree to write instead of three."""

from __future__ import annotations

from typing import Any

from peewee import SqliteDatabase

_COLUMNS = "id, created_at, run_id, seq, stage_run_id, variables"

_TABLE = """
CREATE TABLE snapshots_moving (
    id TEXT NOT NULL{id_key},
    created_at TIMESTAMPTZ NOT NULL,
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stage_run_id TEXT,
    variables TEXT,{key}
    FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
){storage}
"""


def up(migrator: Any, db: Any) -> None:
    """Their id is looked up among those of their run."""
    # Elsewhere a primary key is an index beside the rows.
    storage = " WITHOUT ROWID" if isinstance(db, SqliteDatabase) else ""
    _move(db, _TABLE.format(id_key="", key="\n    PRIMARY KEY (run_id, seq),", storage=storage))


def down(migrator: Any, db: Any) -> None:
    """Gives the id an index of its own again."""
    _move(db, _TABLE.format(id_key=" PRIMARY KEY", key="", storage=""))
    db.execute_sql(
        "CREATE UNIQUE INDEX time_travel_snapshots_run_id_seq"
        " ON time_travel_snapshots (run_id, seq)"
    )


def _move(db: Any, table: str) -> None:
    db.execute_sql(table)
    db.execute_sql(
        f"INSERT INTO snapshots_moving ({_COLUMNS}) SELECT {_COLUMNS} FROM time_travel_snapshots"  # noqa: S608
    )
    db.execute_sql("DROP TABLE time_travel_snapshots")
    db.execute_sql("ALTER TABLE snapshots_moving RENAME TO time_travel_snapshots")
