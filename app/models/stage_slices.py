"""Stage runs of one run in the order of the contract, as plain SQL: only what is shown is loaded.

The order is that of the first start; of those at the same time that of the document, then the
iterations by number, then the rounds. Stage runs that never started follow, in the document's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.core import clock, wire
from app.infra.database import is_postgres
from app.models.journal_sql.dialect import execute

NEVER = "9999-12-31T23:59:59.999Z"  #: where those without a start stand

#: What is read of a row.
COLUMNS = (
    "id stage_id stage_name component_type status attempt round iteration_path skip_reason "
    "started_at completed_at duration_ms reused usage error logs"
).split()


class Place(NamedTuple):
    """Where a stage run stands: `began` as text, NEVER without a start; `index` in the document."""

    began: str
    index: int
    path: tuple[int, ...] = ()
    round: int = 0


class Since(NamedTuple):
    """Where a reader stands: behind `place`; when that is among those that never started, also
    behind `started`, the last that had, but for stages of the names `shown` before they did."""

    place: Place
    started: Place
    shown: Sequence[str] = ()


def ordered(
    run_id: str,
    indexes: Mapping[str, int],
    limit: int,
    status: str | None = None,
    since: Since | None = None,
) -> list[dict[str, Any]]:
    """At most `limit` stage runs of the stages in `indexes` (place in the document by stage id).

    Columns as stored, JSON as text, without input and output; beside them `size`, the bytes of the
    output, and `place`.
    """
    told = {
        "run": run_id,
        "indexes": wire.dumps(dict(indexes)),
        "limit": limit,
        "status": status,
        "never": NEVER,
    }
    only = " AND s.status = :status" if status else ""
    if since:
        only += f" AND {_behind(since)}"
        told |= _told("p", since.place) | _told("b", since.started)
        told["shown"] = list(since.shown) if is_postgres() else wire.dumps(list(since.shown))
    found = execute(_text(only), told).fetchall()
    return [_read(dict(zip((*COLUMNS, "index", "size"), row, strict=True))) for row in found]


def named(run_id: str, keys: Sequence[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """The stage runs of these stages, iteration paths (as stored) and rounds, as `ordered` gives
    them, with 0 for their place in the document."""
    if not keys:
        return []
    marks = ", ".join(f"(:s{i}, :p{i}, :r{i})" for i in range(len(keys)))
    told: dict[str, Any] = {"run": run_id}
    for i, (stage_id, path, round) in enumerate(keys):
        told |= {f"s{i}": stage_id, f"p{i}": path, f"r{i}": round}
    columns = ", ".join(f"s.{name}" for name in COLUMNS)
    sql = (
        f"SELECT {columns}, 0, {_size()} FROM stages s WHERE s.run_id = :run "
        f"AND (s.stage_id, s.iteration_path, s.round) IN (VALUES {marks})"
    )
    found = execute(sql, told).fetchall()
    return [_read(dict(zip((*COLUMNS, "index", "size"), row, strict=True))) for row in found]


def _size() -> str:
    return "octet_length(s.output)" if is_postgres() else "length(CAST(s.output AS BLOB))"


def _read(row: dict[str, Any]) -> dict[str, Any]:
    began = row["started_at"]
    if began is None:
        began = NEVER
    elif not isinstance(began, str):
        began = clock.text(began)
    path = tuple(int(index) for index in row["iteration_path"].split(".") if index)
    return {**row, "place": Place(began, row["index"], path, row["round"])}


def _told(prefix: str, place: Place) -> dict[str, Any]:
    path = ".".join(map(str, place.path))
    return {
        f"{prefix}_{name}": value for name, value in place._replace(path=path)._asdict().items()
    }


def _text(only: str) -> str:
    postgres = is_postgres()
    indexes = "json_each_text(:indexes::json)" if postgres else "json_each(:indexes)"
    columns = ", ".join(f"s.{name}" for name in COLUMNS)
    return (
        f"SELECT {columns}, k.place, {_size()} FROM ("
        f"SELECT s.id, {_PLACE} AS place, {_BEGAN} AS began, {_path('s.iteration_path')} AS path, "
        f"s.round FROM {indexes} AS d CROSS JOIN stages s "
        f"WHERE s.run_id = :run AND s.stage_id = d.key{only} "
        "ORDER BY began, place, path, round LIMIT :limit) AS k JOIN stages s ON s.id = k.id "
        "ORDER BY k.began, k.place, k.path, k.round"
    )


_BEGAN = "coalesce(s.started_at, :never)"
_PLACE = "CAST(d.value AS int)"


def _path(text: str) -> str:
    return f"string_to_array({text}, '.')::int[]" if is_postgres() else f"numbered({text})"


def _behind(since: Since) -> str:
    row = f"({_BEGAN}, {_PLACE}, {_path('s.iteration_path')}, s.round)"
    behind = f"{row} > (:p_began, :p_index, {_path(':p_path')}, :p_round)"
    if since.place.began != NEVER:
        return behind
    shown = (
        "s.stage_id <> ALL(:shown::text[])"
        if is_postgres()
        else "s.stage_id NOT IN (SELECT value FROM json_each(:shown))"
    )
    late = f"{row} > (:b_began, :b_index, {_path(':b_path')}, :b_round)"
    return f"({behind} OR (s.started_at IS NOT NULL AND {late} AND {shown}))"
