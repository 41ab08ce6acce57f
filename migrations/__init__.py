"""The schema, step by step: numbered files with `up(migrator, db)` and `down(migrator, db)`.

Each file declares what it creates by itself, frozen, and never imports the models of today. Two
processes that migrate at once are put in line by a lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from peewee import PeeweeException, PostgresqlDatabase
from playhouse.migrations import MigrationError, Runner
from playhouse.schema_diff import diff_models

from app.core.errors import Unavailable
from app.infra.database import connect, database, disconnect

__all__ = ["CannotMigrate", "applied", "diff", "down", "known", "pending", "status", "up"]


class CannotMigrate(Exception):
    """The database does not answer, or a migration is unknown, broken or without its file."""


_Answer = TypeVar("_Answer")
_DIRECTORY = str(Path(__file__).parent)
_ADVISORY_LOCK = 0x464D_4D49  # "FMMI": any number that no other program of this database takes


def up(url: str, target: str | None = None) -> list[str]:
    """Applies what is pending at database `url`, up to and with `target`; returns the names.

    Raises CannotMigrate.
    """
    return _with_runner(url, lambda runner: runner.up(target), alone=True)


def down(url: str, target: str | None = None) -> list[str]:
    """Reverts the last applied migration, or all back to and with `target`; returns the names.

    Raises CannotMigrate.
    """
    return _with_runner(url, lambda runner: runner.down(target), alone=True)


def status(url: str) -> list[Any]:
    """Every migration in order, with `name` and `applied` (a time, or None while pending)."""
    return _with_runner(url, lambda runner: runner.status())


def pending(url: str) -> list[str]:
    """The names of the migrations that are not applied."""
    return [step.name for step in status(url) if not step.applied]


def known() -> set[str]:
    """The names of all migrations of this release."""
    return {path.stem for path in Path(_DIRECTORY).glob("[0-9]*.py")}


def applied() -> set[str]:
    """The names of the migrations applied to the connected database. Raises peewee's errors."""
    rows = database.execute_sql("SELECT name FROM schema_migration").fetchall()
    return {name for (name,) in rows}


def diff(url: str) -> str:
    """In what the schema differs from the models, a line each; empty when they agree."""
    from app.models import ALL

    return _with_runner(url, lambda runner: str(diff_models(runner.database, list(ALL))))


def _with_runner(url: str, work: Callable[[Runner], _Answer], alone: bool = False) -> _Answer:
    try:
        connect(url)
        with database.connection_context():
            runner = Runner(database.obj, _DIRECTORY)
            with _alone(url) if alone else _unlocked():
                return work(runner)
    except (MigrationError, PeeweeException, Unavailable, OSError) as error:
        raise CannotMigrate(str(error).strip()) from error
    finally:
        disconnect()


@contextmanager
def _unlocked() -> Iterator[None]:
    yield


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """One migrating process at a time; the second waits and then finds nothing to do."""
    with _postgres_lock() if isinstance(database.obj, PostgresqlDatabase) else _folder_lock(url):
        yield


@contextmanager
def _postgres_lock() -> Iterator[None]:
    # A lock of the session: the runner opens transactions of its own on this connection.
    database.execute_sql("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
    try:
        yield
    finally:
        database.execute_sql("SELECT pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))


@contextmanager
def _folder_lock(url: str) -> Iterator[None]:
    # The folder, not the file: closing a second handle of the database file would drop the locks
    # that SQLite holds on it.
    folder = Path(url.removeprefix("sqlite:///")).resolve().parent
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
