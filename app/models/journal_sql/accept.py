"""ACCEPT: the version that is meant; a pending run, and the key that started it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.infra.database import is_postgres
from app.models.journal_sql.dialect import SQLITE_NOW, execute, execute_often, later, now, row


class Version(NamedTuple):
    """A saved version, without its document."""

    id: str
    version: str
    pipeline_id: str
    pipeline_name: str


def find_version(org_id: str, pipeline: str, *, by_id: bool, version: str | None) -> Version | None:
    """A version of the organisation's pipeline of this id or name; None: the newest published
    one, else the newest saved one."""
    meant = (
        "v.id = coalesce(p.published_version_id, p.current_version_id)"
        if version is None
        else "v.pipeline_id = p.id AND v.version = :version"
    )
    sql = (
        "SELECT v.id, v.version, p.id, p.name FROM pipelines p "
        f"JOIN pipeline_versions v ON {meant} "
        f"WHERE p.org_id = :org AND p.{'id' if by_id else 'name'} = :pipeline "
        "AND p.deleted_at IS NULL"
    )
    row = execute_often(sql, {"org": org_id, "pipeline": pipeline, "version": version}).fetchone()
    return Version(*row) if row else None


_RUN_COLUMNS = (
    "id",
    "created_at",
    "org_id",
    "pipeline_id",
    "pipeline_version_id",
    "pipeline_name",
    "pipeline_version",
    "status",
    "input",
    "variables",
    "priority",
    "trigger_type",
    "trigger_id",
    "parent_run_id",
    "forked_from_run_id",
    "forked_from_snapshot_id",
    "created_by",
    "auth_type",
    "metadata",
    "breakpoints",
    "control",
    "document",
    "trace_id",
)
_DEFAULTS = (
    "control_seq, epoch, event_seq, recoveries, output_bytes",
    "0, 0, 0, 0, 0",
)
_INSERT_RUN = (
    f"INSERT INTO runs ({', '.join(_RUN_COLUMNS)}, {_DEFAULTS[0]}) "
    f"SELECT {', '.join(':' + name for name in _RUN_COLUMNS)}, {_DEFAULTS[1]}"
)
# A replay delivers what its source was to deliver; of a what-if nothing is ever delivered.
_INSERT_FORK = (
    f"INSERT INTO runs ({', '.join(_RUN_COLUMNS)}, {_DEFAULTS[0]}, output_config) "
    f"SELECT {', '.join(':' + name for name in _RUN_COLUMNS)}, {_DEFAULTS[1]}, "
    "(SELECT output_config FROM runs WHERE id = :forked_from_run_id AND :trigger_type = 'replay')"
)
_INSERT_KEY = (
    "INSERT INTO idempotency_keys "
    "(org_id, route, key, body_digest, run_id, body, created_at, expires_at) "
    "SELECT :org_id, :route, :key, :body_digest, :id, :body, :created_at, :expires_at "
    "WHERE {live} "
    "ON CONFLICT (org_id, route, key) DO UPDATE SET body_digest = excluded.body_digest, "
    "run_id = excluded.run_id, body = excluded.body, created_at = excluded.created_at, "
    "expires_at = excluded.expires_at "
    "WHERE idempotency_keys.expires_at < :created_at RETURNING 1"
)


def _live() -> str:
    """SQL: the pipeline is not deleted and, on PostgreSQL, is not before this transaction ends:
    who deletes it waits, or is waited for and then seen."""
    lock = " FOR KEY SHARE" if is_postgres() else ""
    return f"(SELECT deleted_at FROM pipelines WHERE id = :pipeline_id{lock}) IS NULL"


def accept(run: Mapping[str, Any], key: Mapping[str, Any] | None = None) -> bool:
    """Stores a pending run and, when given, the idempotency key that started it: both or neither.
    The key's `body` is what its answer cannot tell from the run later on, as JSON text, or absent.

    False: the key is taken, or the pipeline was deleted, and nothing was written.
    """
    return _accept(_INSERT_RUN, _live(), run, key)


def accept_fork(run: Mapping[str, Any], key: Mapping[str, Any] | None = None) -> bool:
    """The same for a run that begins in the history of another; its pipeline may be deleted.

    False: the key is taken.
    """
    return _accept(_INSERT_FORK, "1 = 1", run, key)


def _accept(insert: str, live: str, run: Mapping[str, Any], key: Mapping[str, Any] | None) -> bool:
    if key is None:
        return bool(execute_often(f"{insert} WHERE {live}", run).rowcount)
    insert_key = _INSERT_KEY.format(live=live)
    values = {"body": None, **run, **key}
    if not is_postgres():
        if execute(insert_key, values).fetchone() is None:
            return False
        execute_often(insert, run)
        return True
    both = f"WITH key AS ({insert_key}) {insert} WHERE EXISTS (SELECT 1 FROM key) RETURNING id"
    return execute(both, values).fetchone() is not None


def accept_anew(run: Mapping[str, Any]) -> bool:
    """Stores a pending run whose id may have been given before. False: it is there already, or the
    pipeline was deleted."""
    insert = f"{_INSERT_RUN} WHERE {_live()} ON CONFLICT (id) DO NOTHING RETURNING 1"
    return execute(insert, run).fetchone() is not None


def open_child(
    run: Mapping[str, Any], parent_epoch: int, lease: float, *, of_deleted: bool = False
) -> dict[str, Any] | None:
    """Stores a child run that is running already, held by the worker of its parent, with its
    run_started event.

    Gives its row as `claim` does. None: it is there already, the pipeline was deleted, or the
    parent is not held any more. `of_deleted`: its pipeline may be deleted.
    """
    values = {**run, "parent_epoch": parent_epoch, "lease": lease}
    made = row(execute_often(_open_child_sql("1 = 1" if of_deleted else _live()), values))
    if made is not None and not is_postgres():
        execute(_TELL_CHILD.format(source="runs WHERE id = :id", now=SQLITE_NOW), {"id": run["id"]})
    return made and {**made, "was": "pending", "began": None, "asked": None}


_TELL_CHILD = (
    "INSERT INTO run_events (run_id, seq, type, data, at) "
    "SELECT id, 1, 'run_started', '{{}}', {now} FROM {source}"
)


def _open_child_sql(live: str) -> str:
    columns = [name for name in _RUN_COLUMNS if name != "status"]
    insert = (
        f"INSERT INTO runs ({', '.join(columns)}, status, epoch, event_seq, lease_until, "
        "started_at, control_seq, recoveries, output_bytes) "
        f"SELECT {', '.join(':' + name for name in columns)}, 'running', 1, 1, {later(':lease')}, "
        f"{now()}, 0, 0, 0 WHERE EXISTS (SELECT 1 FROM runs "
        "WHERE id = :parent_run_id AND epoch = :parent_epoch AND status = 'running') "
        f"AND {live} "
        f"ON CONFLICT (id) DO NOTHING RETURNING *, {now()} AS claimed_at"
    )
    if not is_postgres():
        return insert
    told = _TELL_CHILD.format(source="child", now=now())
    return f"WITH child AS ({insert}), told AS ({told}) SELECT * FROM child"
