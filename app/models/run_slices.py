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
    told |= _numbered("t", triggers) | _numbered("s", statuses)
    arms = [
        f"SELECT id FROM ({_slice(column, bounds, f':t{t}', f':s{s}')}) AS slice"
        for t in range(len(triggers))
        for s in range(len(statuses))
    ]
    found = execute(f"{' UNION ALL '.join(arms)} ORDER BY 1 DESC LIMIT :limit", told)
    return [run_id for (run_id,) in found.fetchall()]


def _numbered(prefix: str, names: Sequence[str]) -> dict[str, Any]:
    escaped = [name.replace("_", "\\_") if is_postgres() else str(name) for name in names]
    return {f"{prefix}{n}": name for n, name in enumerate(escaped)}


def _slice(column: str | None, bounds: Bounds, trigger: str, status: str) -> str:
    # Ordered by all columns, and none said to be equal in words that would let a planner drop it
    # from that order: only the index made for the slice has it, so no guess about the data makes a
    # database walk through runs of other kinds instead.
    order = f"{column + ' DESC, ' if column else ''}trigger_type DESC, status DESC, id DESC"
    kind = _like(trigger, status) if is_postgres() else _as_one_row(trigger, status)
    value = f" AND {column} = :value" if column else ""
    after = " AND created_at > :after" if bounds.after else ""
    before = " AND created_at < :before" if bounds.before else ""
    return (
        f"SELECT id FROM runs WHERE org_id = :org{value} AND {kind}{after}{before} "
        f"ORDER BY {order} LIMIT :limit"
    )


def _like(trigger: str, status: str) -> str:
    # PostgreSQL would read a row comparison's lower bound by its first column alone.
    return f"trigger_type LIKE {trigger} AND status LIKE {status} AND id >= :low AND id < :high"


def _as_one_row(trigger: str, status: str) -> str:
    row = "(trigger_type, status, id)"
    return f"{row} >= ({trigger}, {status}, :low) AND {row} < ({trigger}, {status}, :high)"
