"""What waits and how much: questions whose cost does not grow with the runs there are."""

from __future__ import annotations

from app.infra.database import is_postgres
from app.models.journal_sql.dialect import execute, waiting_organisations

#: So many pending runs are counted at most, and so many of each other status in an organisation.
COUNTED_PENDING = 10_000
COUNTED_EACH = 1000

# One more index probe for each priority of an organisation that waits.
_OLDEST = """
SELECT min((SELECT min(id) FROM runs
            WHERE status = 'pending' AND org_id = org.id AND priority = level.n))
FROM org, (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) AS level WHERE org.id IS NOT NULL"""
_PG_OLDEST = waiting_organisations("runs") + _OLDEST
_SQLITE_OLDEST = waiting_organisations("runs INDEXED BY runs_pending") + _OLDEST

# Each ORDER BY names an index: without it PostgreSQL would look for the first few by reading all.
_OPEN = f"""
SELECT o.is_local, 'pending', count(*) FROM (
  SELECT org_id FROM runs WHERE status = 'pending'
  ORDER BY org_id, priority, id LIMIT {COUNTED_PENDING}) AS first
JOIN organizations AS o ON o.id = first.org_id GROUP BY o.is_local
UNION ALL
SELECT o.is_local, s.status, sum((SELECT count(*) FROM (
  SELECT 1 FROM runs WHERE org_id = o.id AND runs.status = s.status
  ORDER BY id LIMIT {COUNTED_EACH}) AS first))
FROM organizations AS o, (SELECT 'running' AS status UNION ALL SELECT 'paused') AS s
GROUP BY o.is_local, s.status"""


def oldest_pending() -> str | None:
    """The id of the pending run that was made first."""
    (found,) = execute(_PG_OLDEST if is_postgres() else _SQLITE_OLDEST, {}).fetchone()
    return None if found is None else str(found)


def open_runs() -> list[tuple[bool, str, int]]:
    """(whether the organisation is the local one, status, how many) of runs that are not final;
    what has none may be left out."""
    return [(bool(local), status, int(n)) for local, status, n in execute(_OPEN, {}).fetchall()]
