"""What the debugger keeps: where a run stands, its snapshots, pipeline tests, first answers."""

from __future__ import annotations

from typing import Any

UP = """
ALTER TABLE runs ADD COLUMN paused_iteration TEXT;
ALTER TABLE runs ADD COLUMN paused_round INTEGER;
CREATE TABLE time_travel_snapshots (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stage_run_id TEXT,
    variables TEXT,
    FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX time_travel_snapshots_run_id_seq ON time_travel_snapshots (run_id, seq);
CREATE TABLE test_runs (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    org_id TEXT NOT NULL,
    status TEXT NOT NULL,
    pipeline_id TEXT,
    pipeline_version TEXT,
    request TEXT NOT NULL,
    result TEXT,
    completed INTEGER NOT NULL,
    total INTEGER NOT NULL,
    wake_at TIMESTAMPTZ,
    lease_until TIMESTAMPTZ,
    epoch INTEGER NOT NULL,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX test_runs_org_id ON test_runs (org_id);
CREATE INDEX test_runs_newest ON test_runs (org_id, id DESC);
CREATE INDEX test_runs_open ON test_runs (id) WHERE status IN ('pending', 'running');
CREATE INDEX runs_of_tests ON runs (trigger_id, id) WHERE trigger_type = 'test';
CREATE INDEX runs_by_fork ON runs (forked_from_run_id, id) WHERE (forked_from_run_id IS NOT NULL);
ALTER TABLE idempotency_keys ADD COLUMN status_code INTEGER;
ALTER TABLE idempotency_keys ADD COLUMN headers TEXT;
ALTER TABLE idempotency_keys ADD COLUMN body TEXT
"""

DOWN = """
ALTER TABLE idempotency_keys DROP COLUMN body;
ALTER TABLE idempotency_keys DROP COLUMN headers;
ALTER TABLE idempotency_keys DROP COLUMN status_code;
DROP INDEX runs_by_fork;
DROP INDEX runs_of_tests;
DROP TABLE test_runs;
DROP TABLE time_travel_snapshots;
ALTER TABLE runs DROP COLUMN paused_round;
ALTER TABLE runs DROP COLUMN paused_iteration
"""


def up(migrator: Any, db: Any) -> None:
    """Adds them."""
    for statement in UP.split(";"):
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Takes them back."""
    for statement in DOWN.split(";"):
        db.execute_sql(statement)
