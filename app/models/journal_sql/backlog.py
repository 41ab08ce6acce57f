"""What waits and how much: questions whose cost does not grow with the runs that are over."""

from __future__ import annotations

from app.models.journal_sql.dialect import execute

# One index probe per organisation and priority that waits, as in CLAIM.
_OLDEST = """
WITH RECURSIVE org(id) AS (
  SELECT min(org_id) FROM runs WHERE status = 'pending' UNION ALL
  SELECT (SELECT min(org_id) FROM runs WHERE status = 'pending' AND org_id > org.id)
  FROM org WHERE org.id IS NOT NULL
)
SELECT min((SELECT min(id) FROM runs
            WHERE status = 'pending' AND org_id = org.id AND priority = level.n))
FROM org, (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) AS level WHERE org.id IS NOT NULL"""

# Each count is a walk over one stretch of the index (org_id, status, id).
_OPEN = """
SELECT o.is_local, s.status, sum((SELECT count(*) FROM runs
                                  WHERE org_id = o.id AND runs.status = s.status))
FROM organizations AS o, (SELECT 'pending' AS status UNION ALL SELECT 'running'
                          UNION ALL SELECT 'paused') AS s
GROUP BY o.is_local, s.status"""


def oldest_pending() -> str | None:
    """The id of the pending run that was made first."""
    (found,) = execute(_OLDEST, {}).fetchone()
    return None if found is None else str(found)


def open_runs() -> list[tuple[bool, str, int]]:
    """(whether the organisation is the local one, status, how many) of runs that are not final."""
    return [(bool(local), status, int(n)) for local, status, n in execute(_OPEN, {}).fetchall()]
