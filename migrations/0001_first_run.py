"""The tables of the first issue: organisations, keys, audit, pipelines and their runs."""

from __future__ import annotations

from typing import Any

from peewee import PostgresqlDatabase

# Both databases read these words; SQLite takes a column's type from the letters in its name.
STATEMENTS = """
CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    is_local BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX organizations_slug ON organizations (slug);
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    is_active BOOLEAN NOT NULL,
    last_login_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX users_email ON users (email);
CREATE TABLE memberships (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    updated_at TIMESTAMPTZ,
    FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX memberships_org_id ON memberships (org_id);
CREATE UNIQUE INDEX memberships_org_id_user_id ON memberships (org_id, user_id);
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    org_id TEXT NOT NULL,
    user_id TEXT,
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    key_prefix TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    created_by_key_id TEXT,
    FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX api_keys_org_id ON api_keys (org_id);
CREATE UNIQUE INDEX api_keys_key_hash ON api_keys (key_hash);
CREATE INDEX api_keys_org_id_id ON api_keys (org_id, id);
CREATE TABLE audit_log (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    org_id TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT,
    user_id TEXT,
    api_key_id TEXT,
    client_id TEXT,
    auth_type TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    success BOOLEAN NOT NULL,
    error_code TEXT,
    details TEXT NOT NULL,
    request_id TEXT,
    FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX audit_log_org_id ON audit_log (org_id);
CREATE INDEX audit_log_org_id_id ON audit_log (org_id, id);
CREATE INDEX audit_log_org_id_resource_type_resource_id
    ON audit_log (org_id, resource_type, resource_id);
CREATE TABLE pipelines (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    org_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    current_version_id TEXT NOT NULL,
    published_version_id TEXT,
    description TEXT NOT NULL,
    category TEXT,
    tags TEXT NOT NULL,
    is_template BOOLEAN NOT NULL,
    etag TEXT NOT NULL,
    last_test_run_id TEXT,
    created_by TEXT,
    published_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    FOREIGN KEY (org_id) REFERENCES organizations (id)
);
CREATE INDEX pipelines_org_id ON pipelines (org_id);
CREATE INDEX pipelines_org_id_updated_at ON pipelines (org_id, updated_at);
CREATE UNIQUE INDEX pipelines_live_name ON pipelines (org_id, name) WHERE (deleted_at IS NULL);
CREATE TABLE pipeline_versions (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    pipeline_id TEXT NOT NULL,
    version TEXT NOT NULL,
    sort_key TEXT NOT NULL,
    document TEXT NOT NULL,
    digest TEXT NOT NULL,
    published_at TIMESTAMPTZ,
    created_by TEXT,
    FOREIGN KEY (pipeline_id) REFERENCES pipelines (id) ON DELETE CASCADE
);
CREATE INDEX pipeline_versions_pipeline_id ON pipeline_versions (pipeline_id);
CREATE UNIQUE INDEX pipeline_versions_pipeline_id_version
    ON pipeline_versions (pipeline_id, version);
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    org_id TEXT NOT NULL,
    pipeline_id TEXT NOT NULL,
    pipeline_version_id TEXT NOT NULL,
    pipeline_name TEXT NOT NULL,
    pipeline_version TEXT NOT NULL,
    status TEXT NOT NULL,
    input TEXT NOT NULL,
    output TEXT,
    output_stage_run_id TEXT,
    error TEXT,
    variables TEXT,
    priority SMALLINT NOT NULL,
    trigger_type TEXT NOT NULL,
    trigger_id TEXT,
    parent_run_id TEXT,
    forked_from_run_id TEXT,
    forked_from_snapshot_id TEXT,
    created_by TEXT,
    auth_type TEXT,
    output_config TEXT,
    metadata TEXT NOT NULL,
    control TEXT,
    control_seq INTEGER NOT NULL,
    breakpoints TEXT NOT NULL,
    paused_before TEXT,
    paused_reason TEXT,
    epoch INTEGER NOT NULL,
    lease_until TIMESTAMPTZ,
    wake_at TIMESTAMPTZ,
    waiting_on TEXT,
    event_seq INTEGER NOT NULL,
    recoveries INTEGER NOT NULL,
    output_bytes BIGINT NOT NULL,
    usage TEXT,
    trace_id TEXT NOT NULL,
    cursor_snapshot_id TEXT,
    document TEXT,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    duration_ms BIGINT
);
CREATE INDEX runs_newest ON runs (org_id, id DESC);
CREATE INDEX runs_by_status ON runs (org_id, status, id);
CREATE INDEX runs_by_pipeline ON runs (org_id, pipeline_id, id);
CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE (parent_run_id IS NOT NULL);
CREATE INDEX runs_pending ON runs (org_id, priority, id) WHERE status = 'pending';
CREATE INDEX runs_held
    ON runs (org_id) WHERE status = 'running' AND wake_at IS NULL AND waiting_on IS NULL;
CREATE INDEX runs_due ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE TABLE stages (
    id TEXT NOT NULL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    org_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    stage_id TEXT NOT NULL,
    stage_name TEXT,
    component_type TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    iteration_path TEXT NOT NULL,
    round INTEGER NOT NULL,
    skip_reason TEXT,
    input TEXT,
    output TEXT,
    error TEXT,
    usage TEXT,
    logs TEXT,
    reused BOOLEAN NOT NULL,
    wake_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    duration_ms BIGINT,
    FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX stages_run_id_stage_id_iteration_path_round
    ON stages (run_id, stage_id, iteration_path, round);
CREATE TABLE run_events (
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    stage_run_id TEXT,
    data TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (run_id, seq),
    FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE TABLE idempotency_keys (
    org_id TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_digest TEXT NOT NULL,
    run_id TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, route, key)
);
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at)
"""

# Room on each page for the next version of a row: a flush or heartbeat stays heap-only.
HOT_ROWS = "ALTER TABLE runs SET (fillfactor = 70)"

TABLES = (
    "organizations",
    "users",
    "memberships",
    "api_keys",
    "audit_log",
    "pipelines",
    "pipeline_versions",
    "runs",
    "stages",
    "run_events",
    "idempotency_keys",
)


def up(migrator: Any, db: Any) -> None:
    """Creates the tables, parents before children."""
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement)
    if isinstance(db, PostgresqlDatabase):
        db.execute_sql(HOT_ROWS)


def down(migrator: Any, db: Any) -> None:
    """Drops the tables, children before parents."""
    for table in reversed(TABLES):
        db.execute_sql(f"DROP TABLE {table}")
