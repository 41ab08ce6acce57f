"""Leases: renewed by the heartbeat, looked over by the sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.infra.database import is_postgres
from app.models.journal_sql.dialect import HOLDS, SQLITE_NOW, execute, later, now, row


def renew(held: Mapping[str, int], lease_seconds: float) -> dict[str, int]:
    """Renews the leases of `held` (run id -> epoch); gives the control_seq of those still held.

    A run that parked meanwhile is held no more.
    """
    marks = ", ".join(f"(:r{i}, :e{i})" for i in range(len(held)))
    parameters: dict[str, Any] = {"lease": lease_seconds}
    for i, (run_id, epoch) in enumerate(held.items()):
        parameters |= {f"r{i}": run_id, f"e{i}": epoch}
    sql = (
        f"UPDATE runs SET lease_until = {later(':lease')} "
        "WHERE status = 'running' AND wake_at IS NULL AND waiting_on IS NULL "
        f"AND (id, epoch) IN (VALUES {marks}) RETURNING id, control_seq"
    )
    return dict(execute(sql, parameters).fetchall())


def _sweep_query() -> str:
    moment = now()
    ago = f"{moment} - interval '2 s'" if is_postgres() else SQLITE_NOW[:-1] + ", '-2 seconds')"
    return f"""
SELECT * FROM (SELECT 'lost' AS due, id, epoch FROM runs WHERE status = 'running'
  AND wake_at IS NULL AND waiting_on IS NULL AND lease_until < {moment} LIMIT 100) AS a
UNION ALL SELECT * FROM (SELECT 'due', id, epoch FROM runs
  WHERE status = 'pending' AND created_at < {ago} LIMIT 1000) AS b
UNION ALL SELECT * FROM (SELECT 'due', id, epoch FROM runs
  WHERE wake_at <= {moment} LIMIT 1000) AS c"""


def sweep() -> list[tuple[str, str, int]]:
    """(`lost`, id, epoch) of runs whose lease is over; (`due`, id, epoch) of runs to be taken."""
    return [tuple(row) for row in execute(_sweep_query(), {}).fetchall()]


_LOST = f"{HOLDS} AND wake_at IS NULL AND waiting_on IS NULL AND lease_until < "


def hand_over(run_id: str, epoch: int, limit: int) -> str | None:
    """Puts a lost run back to pending, with a new epoch, while it has recoveries left; gives its
    organisation. None: it stays as it is."""
    sql = (
        "UPDATE runs SET status = 'pending', epoch = epoch + 1, recoveries = recoveries + 1, "
        f"lease_until = NULL WHERE {_LOST}{now()} AND recoveries < :limit "
        "AND coalesce(control, '') NOT LIKE 'stop%' RETURNING org_id"
    )
    found = execute(sql, {"run": run_id, "epoch": epoch, "limit": limit}).fetchone()
    return str(found[0]) if found else None


def take_over(run_id: str, epoch: int, lease_seconds: float) -> dict[str, Any] | None:
    """Takes a lost run under a new epoch, to end it. None when it is not lost any more."""
    sql = (
        f"UPDATE runs SET epoch = epoch + 1, lease_until = {later(':lease')} "
        f"WHERE {_LOST}{now()} RETURNING *, {now()} AS claimed_at"
    )
    return row(execute(sql, {"run": run_id, "epoch": epoch, "lease": lease_seconds}))


def take_to_end(run_id: str, lease_seconds: float) -> dict[str, Any] | None:
    """Takes a run that nobody works on, under a new epoch, to end it in the same transaction: a
    pending, paused or parked one, or one whose lease is over. None: it is held, or final."""
    idle = (
        "status IN ('pending', 'paused') OR (status = 'running' AND (wake_at IS NOT NULL "
        f"OR waiting_on IS NOT NULL OR lease_until < {now()}))"
    )
    return _take(run_id, idle, lease_seconds)


def take_to_pause(run_id: str, lease_seconds: float) -> dict[str, Any] | None:
    """Takes a run that waits for a worker or for a time, under a new epoch, to pause it in the same
    transaction. None: it is held, lost, paused, waits for a child, or is final."""
    idle = (
        "status = 'pending' OR (status = 'running' AND wake_at IS NOT NULL AND waiting_on IS NULL)"
    )
    return _take(run_id, idle, lease_seconds)


def _take(run_id: str, idle: str, lease_seconds: float) -> dict[str, Any] | None:
    sql = (
        f"UPDATE runs SET status = 'running', epoch = epoch + 1, lease_until = {later(':lease')}, "
        f"wake_at = NULL, waiting_on = NULL WHERE id = :run AND ({idle}) "
        f"RETURNING *, {now()} AS claimed_at"
    )
    return row(execute(sql, {"run": run_id, "lease": lease_seconds}))


_OPEN = "status NOT IN ('completed', 'failed', 'cancelled')"


def command(run_id: str, control: str | None) -> bool:
    """Leaves a command for the worker that holds the run, or takes back the one that stands. False:
    the run is final."""
    sql = (
        "UPDATE runs SET control = :control, control_seq = control_seq + 1 "
        f"WHERE id = :run AND {_OPEN} RETURNING id"
    )
    return execute(sql, {"run": run_id, "control": control}).fetchone() is not None


def go_on(run_id: str, control: str) -> bool:
    """Makes a paused run wait for a worker, which is to obey `control`. False: it is not paused."""
    sql = (
        "UPDATE runs SET status = 'pending', control = :control, control_seq = control_seq + 1 "
        "WHERE id = :run AND status = 'paused' RETURNING id"
    )
    return execute(sql, {"run": run_id, "control": control}).fetchone() is not None


def set_breakpoints(run_id: str, breakpoints: str) -> None:
    """Replaces the breakpoints of a run, JSON text, and has its worker hear of it."""
    sql = (
        "UPDATE runs SET breakpoints = :breakpoints, control_seq = control_seq + 1 "
        f"WHERE id = :run AND {_OPEN}"
    )
    execute(sql, {"run": run_id, "breakpoints": breakpoints})


def open_ones(run_ids: Sequence[str]) -> list[str]:
    """Those of the runs that are not final, which none of them becomes before this transaction
    ends."""
    marks = ", ".join(f":r{i}" for i in range(len(run_ids)))
    sql = f"SELECT id FROM runs WHERE id IN ({marks}) AND {_OPEN} ORDER BY id"
    parameters = {f"r{i}": run_id for i, run_id in enumerate(run_ids)}
    lock = " FOR SHARE" if is_postgres() else ""
    return [found for (found,) in execute(sql + lock, parameters).fetchall()]
