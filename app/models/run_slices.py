"""The newest runs of several kinds, as plain SQL: a merge of slices of one index.

A slice is what an index holds side by side: the runs of one organisation (and one pipeline or
version), one trigger and one status, by id. In peewee's words its text would cost more than the
whole search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.infra.database import is_postgres
from app.models.journal_sql.dialect import execute


class Bounds(NamedTuple):
    """`low` <= id < `high`, and created strictly between two times in text form, when given."""

    low: str
    high: str
    after: str | None = None
    before: str | None = None


def newest(
    org_id: str,
    within: tuple[str, str] | None,
    triggers: Sequence[str],
    statuses: Sequence[str],
    bounds: Bounds,
    limit: int,
) -> list[str]:
    """The ids of at most `limit` runs, newest first; `within` is pipeline_id or pipeline_version_id
    and its value."""
    column, value = within or (None, None)
    told = {"org": org_id, "value": value, "limit": limit, **bounds._asdict()}
    if is_postgres():
        arm = _slice(column, bounds, "t.name", "s.name")
        sql = (
            "SELECT slice.id FROM unnest(:triggers::text[]) AS t(name), "
            f"unnest(:statuses::text[]) AS s(name), LATERAL ({arm}) AS slice"
        )
        told |= {"triggers": list(triggers), "statuses": list(statuses)}
    else:
        arms = [
            f"SELECT id FROM ({_slice(column, bounds, f':t{t}', f':s{s}')})"
            for t in range(len(triggers))
            for s in range(len(statuses))
        ]
        sql = " UNION ALL ".join(arms)
        told |= _numbered("t", triggers) | _numbered("s", statuses)
    found = execute(f"{sql} ORDER BY 1 DESC LIMIT :limit", told)
    return [run_id for (run_id,) in found.fetchall()]


def _numbered(prefix: str, names: Sequence[str]) -> dict[str, Any]:
    return {f"{prefix}{n}": str(name) for n, name in enumerate(names)}


def _slice(column: str | None, bounds: Bounds, trigger: str, status: str) -> str:
    # Compared as one row and ordered by all of it: only the index made for it has that order, so no
    # guess about the data makes a database walk through the runs of other kinds instead.
    columns = [*([column] if column else []), "trigger_type", "status", "id"]
    values = [*([":value"] if column else []), trigger, status]
    row, order = ", ".join(columns), " DESC, ".join(columns)
    after = " AND created_at > :after" if bounds.after else ""
    before = " AND created_at < :before" if bounds.before else ""
    return (
        "SELECT id FROM runs WHERE org_id = :org "
        f"AND ({row}) >= ({', '.join([*values, ':low'])}) "
        f"AND ({row}) < ({', '.join([*values, ':high'])})"
        f"{after}{before} ORDER BY {order} DESC LIMIT :limit"
    )
