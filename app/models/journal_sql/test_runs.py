"""Runs of tests: taken, held and ended as runs are, each by one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.infra.database import is_postgres
from app.models.journal_sql.accept import _INSERT_KEY
from app.models.journal_sql.dialect import SQLITE_NOW, execute, later, now, row

_COLUMNS = (
    "id",
    "created_at",
    "org_id",
    "status",
    "pipeline_id",
    "pipeline_version",
    "request",
    "completed",
    "total",
)
_KEY = _INSERT_KEY.format(live="1 = 1")


def accept_test_run(test_run: Mapping[str, Any], key: Mapping[str, Any] | None) -> bool:
    """Stores a test run that is due, and the idempotency key that started it: both or neither.

    False: the key is taken.
    """
    insert = (
        f"INSERT INTO test_runs ({', '.join(_COLUMNS)}, epoch, wake_at) "
        f"SELECT {', '.join(':' + name for name in _COLUMNS)}, 0, {now()}"
    )
    if key is None:
        return bool(execute(insert, test_run).rowcount)
    values = {**test_run, **key}
    if not is_postgres():
        return bool(execute(_KEY, values).fetchone() and execute(insert, values).rowcount)
    both = f"WITH key AS ({_KEY}) {insert} WHERE EXISTS (SELECT 1 FROM key) RETURNING id"
    return execute(both, values).fetchone() is not None


_OPEN = "status IN ('pending', 'running')"
#: Due and held by nobody, or held by one who was lost.
_TO_TAKE = f"{_OPEN} AND (lease_until < {{now}} OR (lease_until IS NULL AND wake_at <= {{due}}))"


def claim_test_run(lease_seconds: float) -> dict[str, Any] | None:
    """Takes the oldest test run that is due; its row as it now is. None: there is none, or another
    looks at it at this moment, who rings again."""
    lock = " FOR UPDATE SKIP LOCKED" if is_postgres() else ""
    sql = (
        "UPDATE test_runs SET status = 'running', epoch = epoch + 1, wake_at = NULL, "
        f"lease_until = {later(':lease')}, started_at = coalesce(started_at, {now()}) "
        f"WHERE id = (SELECT id FROM test_runs WHERE {_TO_TAKE.format(now=now(), due=now())} "
        f"ORDER BY id LIMIT 1{lock}) RETURNING *"
    )
    return row(execute(sql, {"lease": lease_seconds}))


_HELD = "id = :id AND epoch = :epoch AND status = 'running'"


def keep_test_run(test_id: str, epoch: int, lease_seconds: float) -> bool:
    """Renews the lease. False: it is lost."""
    sql = f"UPDATE test_runs SET lease_until = {later(':lease')} WHERE {_HELD} RETURNING 1"
    held = execute(sql, {"id": test_id, "epoch": epoch, "lease": lease_seconds})
    return held.fetchone() is not None


def leave_test_run(test_id: str, epoch: int, completed: int) -> bool:
    """Gives the lease back, with so many tests completed; True when it is due again already."""
    sql = (
        f"UPDATE test_runs SET lease_until = NULL, completed = :completed WHERE {_HELD} "
        "RETURNING wake_at IS NOT NULL"
    )
    found = execute(sql, {"id": test_id, "epoch": epoch, "completed": completed}).fetchone()
    return bool(found and found[0])


def end_test_run(test_id: str, epoch: int, status: str, result: str, completed: int) -> bool:
    """Writes what came of it. False: the lease was lost, and nothing was written."""
    sql = (
        "UPDATE test_runs SET status = :status, result = :result, completed = :completed, "
        f"completed_at = {now()}, lease_until = NULL, wake_at = NULL WHERE {_HELD} RETURNING 1"
    )
    values = {"id": test_id, "epoch": epoch, "status": status, "result": result}
    return execute(sql, {**values, "completed": completed}).fetchone() is not None


def wake_test_run(test_id: str) -> None:
    """Makes a test run due, for one of its runs has ended. A statement behind SETTLE in the same
    transaction, and an update in any case: whoever takes the test run afterwards sees that end."""
    sql = f"UPDATE test_runs SET wake_at = {now()} WHERE id = :id AND {_OPEN}"
    execute(sql, {"id": test_id})


def due_test_runs() -> int:
    """How many of them are to be taken and were not for two seconds; 100 at most."""
    moment = now()
    ago = f"{moment} - interval '2 s'" if is_postgres() else SQLITE_NOW[:-1] + ", '-2 seconds')"
    due = _TO_TAKE.format(now=moment, due=ago)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM test_runs WHERE {due} LIMIT 100) AS first"
    return int(execute(sql, {}).fetchone()[0])
