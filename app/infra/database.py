"""The one database: connecting, transactions, and what is spoken after they commit."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import peewee
from playhouse.pool import (
    MaxConnectionsExceeded,
    PooledPostgresqlDatabase,
    PooledSqliteDatabase,
)

from app.core.errors import Unavailable
from app.infra.probe import Probe

log = logging.getLogger(__name__)

#: What is raised when the database is away or refuses to connect.
AWAY = (peewee.OperationalError, peewee.InterfaceError, MaxConnectionsExceeded, Unavailable)

LOCK_WAIT_SECONDS = 10.0
_LOCK_POLL_SECONDS = 0.003

database = peewee.DatabaseProxy()


class Sqlite(PooledSqliteDatabase):
    """SQLite that waits for its lock in Python: `time.sleep` yields to other greenlets, SQLite's
    own busy handler would hold all of them."""

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        return self._patiently(lambda: super(Sqlite, self).execute_sql(sql, params))

    def begin(self, lock_type: str | None = None) -> None:
        self._patiently(lambda: super(Sqlite, self).begin(lock_type))

    def _patiently(self, act: Callable[[], Any]) -> Any:
        give_up_at = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                return act()
            except peewee.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                if time.monotonic() > give_up_at:
                    raise Unavailable("The database is locked; try again shortly.") from None
            time.sleep(_LOCK_POLL_SECONDS)


class Postgres(PooledPostgresqlDatabase):
    """PostgreSQL that forgets a connection the server has ended, so the next use opens one."""

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        try:
            return super().execute_sql(sql, params)
        except (peewee.OperationalError, peewee.InterfaceError):
            self.drop_broken()
            raise

    def _is_closed(self, conn: Any) -> bool:
        # peewee would ask the server each time; what is broken shows itself at its next statement.
        return bool(conn.closed)

    def drop_broken(self) -> None:
        """Forgets this thread's connection when the server ended it, and those that lie idle:
        what ended one, a restart, has ended them too."""
        if not self.is_closed() and self.connection().closed:
            with contextlib.suppress(peewee.PeeweeException):
                self.manual_close()
            self.close_idle()


def _sqlite(url: str, max_connections: int) -> Sqlite:
    path = url.removeprefix("sqlite:///")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    made = Sqlite(
        path,
        max_connections=max_connections,
        timeout=10,
        lock_type="IMMEDIATE",
        check_same_thread=False,
        pragmas={
            "journal_mode": "wal",
            "synchronous": "full",
            "foreign_keys": 1,
            # Last: a new file is switched to WAL by one process while others wait in SQLite.
            "busy_timeout": 0,
        },
    )
    made.register_function(str.upper, "fold", 1, deterministic=True)
    made.register_function(_numbered, "numbered", 1)
    return made


def _numbered(text: str) -> str:
    """Numbers joined by dots as a text that sorts as they do; PostgreSQL has arrays for that."""
    return ".".join(number.zfill(10) for number in text.split("."))


def _postgres(url: str, max_connections: int) -> Postgres:
    parts = urlsplit(url)
    where = {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        **dict(parse_qsl(parts.query)),
    }
    return Postgres(
        unquote(parts.path.lstrip("/")),
        max_connections=max_connections,
        timeout=10,
        stale_timeout=300,
        options="-c timezone=UTC -c jit=off",
        **where,
    )


def connect(url: str, max_connections: int = 20) -> None:
    """Binds the house to the database at `url` (sqlite:///PATH or postgresql://...).

    Nothing is opened yet: each thread or greenlet opens its connection when it first needs one,
    of at most `max_connections`.
    """
    database.initialize(
        _sqlite(url, max_connections)
        if url.startswith("sqlite:")
        else _postgres(url, max_connections)
    )


def is_postgres() -> bool:
    """Whether the database is PostgreSQL; otherwise it is SQLite."""
    return isinstance(database.obj, PooledPostgresqlDatabase)


def release() -> None:
    """Gives this thread's connection back. Call it before waiting for anything but the database."""
    if database.obj is not None and not database.is_closed():
        database.close()


def disconnect() -> None:
    """Closes every connection of this process; SQLite then folds its log into its file."""
    if database.obj is not None:
        database.obj.close_all()


def fold(url: str) -> None:
    """Folds the log that killed processes left of a SQLite database back into its file, as the
    last connection does when it is closed. A database in use is left alone."""
    if not Path(url.removeprefix("sqlite:///") + "-wal").exists():
        return
    connect(url)
    with contextlib.suppress(*AWAY):
        database.execute_sql("PRAGMA wal_checkpoint")
    disconnect()


class _Spoken(threading.local):
    """What the transaction of this thread will say when it commits."""

    depth = 0

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []


_spoken = _Spoken()


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """A transaction, or a part of the one that is open already.

    When the outermost commits, what `after_commit` collected is called in order; a rollback
    forgets it.
    """
    if _spoken.depth:
        yield
        return
    _spoken.depth, _spoken.calls = 1, []
    try:
        with database.atomic():
            yield
        calls = _spoken.calls
    finally:
        _spoken.depth, _spoken.calls = 0, []
    for call in calls:
        _speak(call)


@contextlib.contextmanager
def statement() -> Iterator[None]:
    """A transaction around what is one statement on PostgreSQL, where it commits by itself: two
    round trips less. The steps that SQLite needs instead stand or fall together."""
    if is_postgres():
        yield
    else:
        with transaction():
            yield


def after_commit(call: Callable[[], None]) -> None:
    """Calls `call` once the open transaction is committed; at once when none is open."""
    if _spoken.depth:
        _spoken.calls.append(call)
    else:
        _speak(call)


def _speak(call: Callable[[], None]) -> None:
    # The commit stands whatever happens here: a bell or publish that fails is left to the sweep.
    try:
        call()
    except Exception:
        log.warning(
            "not said after a commit", extra={"action": "after_commit_failed"}, exc_info=True
        )


def locked(query: Any) -> Any:
    """The query, whose rows nobody else changes before the open transaction ends; on SQLite that
    is alone with the database."""
    return query.for_update() if is_postgres() else query


def contains(column: Any, text: str) -> Any:
    """Whether a text column contains `text` in any case, as Unicode folds it to capitals (so that
    `ß` is `SS`). Nothing in `text` is a wildcard."""
    if not is_postgres():
        return peewee.fn.INSTR(peewee.fn.FOLD(column), peewee.fn.FOLD(text)) > 0
    # By ICU: what the database's own locale folds is not known, C folds ASCII alone.
    either_case = peewee.SQL('COLLATE "und-x-icu"')
    whole, part = (
        peewee.fn.UPPER(peewee.NodeList((operand, either_case)))
        for operand in (column, peewee.Value(text))
    )
    return peewee.fn.STRPOS(whole, part) > 0


def skip_locked(query: Any) -> Any:
    """The query, skipping rows that another transaction holds; SQLite has one writer anyway."""
    return query.for_update("FOR UPDATE SKIP LOCKED") if is_postgres() else query


def _ask() -> bool:
    try:
        database.execute_sql("SELECT 1").fetchone()
        return True
    except (*AWAY, peewee.DatabaseError, sqlite3.Error):
        return False
    finally:
        release()


_question = Probe(_ask)


def answers(timeout_seconds: float = 2.0) -> bool:
    """Whether the database answers a question in time; used by health checks."""
    try:
        return _question.ask().result(timeout_seconds)
    except TimeoutError:
        return False
