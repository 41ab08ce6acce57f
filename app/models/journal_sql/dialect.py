"""The two dialects: `:name` parameters, the database's time, rows as dicts."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import peewee
from psycopg2.errors import DuplicatePreparedStatement, InvalidSqlStatementName

from app.infra.database import database, is_postgres

PG_NOW = "date_trunc('milliseconds', now())"
SQLITE_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ','now')"

#: The fence: true only for the worker that holds the run.
HOLDS = "id = :run AND epoch = :epoch AND status = 'running'"


def later(seconds: str) -> str:
    """SQL for the database's time `seconds` (a parameter) from now."""
    if is_postgres():
        return f"{PG_NOW} + make_interval(secs => {seconds})"
    return f"strftime('%Y-%m-%dT%H:%M:%fZ','now', {seconds} || ' seconds')"


def now() -> str:
    return PG_NOW if is_postgres() else SQLITE_NOW


def waiting_organisations(runs: str) -> str:
    """The beginning of a statement that has `org(id)`: each organisation with pending runs, by one
    probe of the index runs_pending, and at last a null. `runs` is the table, with that index for
    SQLite: by itself it would read through all that is over."""
    return f"""
WITH RECURSIVE org(id) AS (
  SELECT min(org_id) FROM {runs} WHERE status = 'pending' UNION ALL
  SELECT (SELECT min(org_id) FROM {runs} WHERE status = 'pending' AND org_id > org.id)
  FROM org WHERE org.id IS NOT NULL
)"""


def execute(sql: str, parameters: Mapping[str, Any]) -> Any:
    """Runs SQL with `:name` parameters on either database."""
    return database.execute_sql(_compiled(sql).plain if is_postgres() else sql, parameters)


def execute_often(sql: str, parameters: Mapping[str, Any]) -> Any:
    """`execute`, for the few statements of the hot path: PostgreSQL parses and plans each only
    once for a connection, which halves its work."""
    if not is_postgres() or database.in_transaction():
        # A statement that fails to be found would end the transaction.
        return execute(sql, parameters)
    statement, connection = _compiled(sql), database.connection()
    known = _prepared.setdefault(connection, set())
    if statement.name not in known:
        _prepare(statement)
        known.add(statement.name)
    try:
        return database.execute_sql(statement.execute, parameters)
    except peewee.DatabaseError as error:
        if not isinstance(error.orig, InvalidSqlStatementName):
            raise
    # A pooler gave this transaction another server connection.
    _prepare(statement)
    return database.execute_sql(statement.execute, parameters)


_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def _prepare(statement: Compiled) -> None:
    try:
        database.execute_sql(statement.prepare)
    except peewee.DatabaseError as error:
        if not isinstance(error.orig, DuplicatePreparedStatement):
            raise


class Compiled(NamedTuple):
    """A statement in PostgreSQL's forms: as it is, to be prepared, and executed by its name."""

    plain: str
    name: str
    prepare: str
    execute: str


_PARAMETER = re.compile(r"(?<!:):([a-z][a-z0-9_]*)(::[a-z]+(?:\[\])?)?")


@functools.lru_cache(maxsize=200)
def _compiled(sql: str) -> Compiled:
    escaped, order = sql.replace("%", "%%"), dict[str, str]()

    def numbered(match: re.Match[str]) -> str:
        order.setdefault(match[1], match[2] or "")
        return f"${list(order).index(match[1]) + 1}{match[2] or ''}"

    body = _PARAMETER.sub(numbered, escaped)
    name = f"fm_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
    values = ", ".join(f"%({parameter})s{cast}" for parameter, cast in order.items())
    return Compiled(
        plain=_PARAMETER.sub(r"%(\1)s\2", escaped),
        name=name,
        prepare=f"PREPARE {name} AS {body}",
        execute=f"EXECUTE {name} ({values})" if values else f"EXECUTE {name}",
    )


def array(values: Sequence[str | int | None]) -> str | None:
    """The literal of a PostgreSQL array (manual, 8.15.2) for a parameter with a cast; null when all
    values are. The driver writes a list element by element, which takes three times as long.
    """
    if values.count(None) == len(values):
        return None
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)


def row(cursor: Any) -> dict[str, Any] | None:
    found = cursor.fetchone()
    if found is None:
        return None
    return dict(zip([column[0] for column in cursor.description], found, strict=True))
