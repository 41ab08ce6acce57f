"""CLAIM: the only way for a run to become running."""

from __future__ import annotations

from typing import Any

from app.infra.database import is_postgres
from app.models.journal_sql.dialect import (
    PG_NOW,
    SQLITE_NOW,
    execute,
    execute_often,
    row,
    waiting_organisations,
)

_HELD = "h.status = 'running' AND h.wake_at IS NULL AND h.waiting_on IS NULL"
# How many runs each organisation that waits holds.
_FAIR = f""", fair AS (
  SELECT org.id, (SELECT count(*) FROM runs h WHERE h.org_id = org.id AND {_HELD}) AS held
  FROM org WHERE org.id IS NOT NULL ORDER BY held, random()
)"""
_EVENT_OF_CLAIM = "CASE WHEN began IS NULL THEN 'run_started' ELSE 'execution_resumed' END"
_REASON_OF_CLAIM = (
    "CASE WHEN began IS NULL THEN '{}' "
    """WHEN substr(asked, 1, 7) = 'resume:' THEN '{"reason":"resume"}' """
    """WHEN substr(asked, 1, 5) = 'step:' THEN '{"reason":"step"}' """
    """ELSE '{"reason":"recovery"}' END"""
)
# A worker has heard of it now; if that one dies, its going on is a recovery.
_HEARD = """CASE WHEN substr({control}, 1, 7) = 'resume:' THEN 'passed' || substr({control}, 7)
    WHEN substr({control}, 1, 5) = 'step:' THEN 'stepping' || substr({control}, 5)
    ELSE {control} END"""
_NOT_PAUSED = (
    "paused_before = NULL, paused_iteration = NULL, paused_round = NULL, paused_reason = NULL"
)
_PG_CLAIM = f"""{waiting_organisations("runs")}{_FAIR}, fresh AS (
  SELECT r.id FROM fair, LATERAL (
    SELECT id FROM runs WHERE org_id = fair.id AND status = 'pending'
    ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED) r LIMIT 1
), due AS (
  SELECT id FROM runs WHERE wake_at <= now() ORDER BY wake_at LIMIT 1 FOR UPDATE SKIP LOCKED
), one AS (
  SELECT id, status, started_at, control FROM runs WHERE id = coalesce(
    (SELECT id FROM due WHERE :due_first), (SELECT id FROM fresh), (SELECT id FROM due))
), taken AS (
  UPDATE runs SET status = 'running', epoch = epoch + 1,
    lease_until = {PG_NOW} + make_interval(secs => :lease), wake_at = NULL, waiting_on = NULL,
    {_NOT_PAUSED}, started_at = coalesce(runs.started_at, {PG_NOW}),
    control = {_HEARD.format(control="runs.control")},
    event_seq = event_seq + (one.status = 'pending')::int
  FROM one WHERE runs.id = one.id
  RETURNING runs.*, one.status AS was, one.started_at AS began, one.control AS asked
), told AS (
  INSERT INTO run_events (run_id, seq, type, data, at)
  SELECT id, event_seq, {_EVENT_OF_CLAIM}, {_REASON_OF_CLAIM}, {PG_NOW}
  FROM taken WHERE was = 'pending'
)
SELECT *, {PG_NOW} AS claimed_at FROM taken"""

_SQLITE_WAITING = waiting_organisations("runs INDEXED BY runs_pending")
_SQLITE_CHOOSE = f"""{_SQLITE_WAITING}{_FAIR}, fresh AS (
  SELECT id FROM runs WHERE org_id = (SELECT id FROM fair LIMIT 1) AND status = 'pending'
  ORDER BY priority, id LIMIT 1
), due AS (
  SELECT id FROM runs WHERE wake_at <= {SQLITE_NOW} ORDER BY wake_at LIMIT 1
)
SELECT id, status AS was, started_at AS began, control AS asked FROM runs
WHERE id = CASE WHEN :due_first THEN coalesce((SELECT id FROM due), (SELECT id FROM fresh))
  ELSE coalesce((SELECT id FROM fresh), (SELECT id FROM due)) END"""
_SQLITE_TAKE = f"""
UPDATE runs SET status = 'running', epoch = epoch + 1,
  lease_until = strftime('%Y-%m-%dT%H:%M:%fZ','now', :lease || ' seconds'), wake_at = NULL,
  waiting_on = NULL, {_NOT_PAUSED}, started_at = coalesce(started_at, {SQLITE_NOW}),
  control = {_HEARD.format(control="control")},
  event_seq = event_seq + :told
WHERE id = :id RETURNING *, {SQLITE_NOW} AS claimed_at"""
_SQLITE_TELL = f"""
INSERT INTO run_events (run_id, seq, type, data, at)
SELECT :id, :event_seq, {_EVENT_OF_CLAIM}, {_REASON_OF_CLAIM}, :claimed_at
FROM (SELECT :began AS began, :asked AS asked)"""


def claim(*, due_first: bool, lease_seconds: float) -> dict[str, Any] | None:
    """Takes the fair next run: of the organisation that holds fewest, by priority, then age.

    `due_first` prefers a parked run whose time has come. The row comes back as it now is, with
    `was`, `began` and `asked` (status, start and control before) and `claimed_at`, the database's
    time. A run that was pending has its run_started or execution_resumed event. None: nothing to
    take, or all of it is locked by others at this moment.
    """
    if is_postgres():
        return row(execute_often(_PG_CLAIM, {"due_first": due_first, "lease": lease_seconds}))
    chosen = row(execute(_SQLITE_CHOOSE, {"due_first": due_first}))
    if chosen is None:
        return None
    told = chosen["was"] == "pending"
    taken = row(
        execute(_SQLITE_TAKE, {"id": chosen["id"], "lease": lease_seconds, "told": int(told)})
    )
    if taken is None:
        return None
    claimed = {**taken, **chosen}
    if told:
        execute(_SQLITE_TELL, claimed)
    return claimed
