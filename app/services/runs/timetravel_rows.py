"""A run's snapshots with the stage runs that they refer to, as the tables hold them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import peewee

from app.core.errors import NotFound
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.states import StageStatus
from app.core.wire import JSON
from app.infra.database import is_postgres
from app.models import Run, Snapshot, StageRun
from app.models.base import raw, unread
from app.services.runs.events import time_text

PREVIEW = 100  #: characters of an output or error that a timeline shows

#: The types of snapshots, by the status of the stage run that ended.
TYPES = {
    StageStatus.COMPLETED: "stage_complete",
    StageStatus.FAILED: "stage_failed",
    StageStatus.SKIPPED: "stage_skipped",
}
RUN_START = "run_start"

_SUMMARY = (
    Snapshot.id,
    Snapshot.seq,
    Snapshot.created_at,
    StageRun.stage_id,
    StageRun.stage_name,
    StageRun.component_type,
    StageRun.status,
    StageRun.round,
    StageRun.iteration_path,
    StageRun.duration_ms,
)


def find_run(who: Principal, run_id: str) -> Any:
    """The row of a run with its JSON columns as text. Raises NotFound."""
    columns = (
        Run.id,
        Run.status,
        Run.pipeline_id,
        Run.pipeline_name,
        Run.pipeline_version,
        Run.pipeline_version_id,
        Run.trace_id,
        Run.output_bytes,
        Run.cursor_snapshot_id,
        Run.forked_from_run_id,
        Run.forked_from_snapshot_id,
        Run.started_at,
        Run.duration_ms,
        raw(Run.input),
        raw(Run.variables),
        raw(Run.document),
    )
    query = Run.of(who.org_id, *columns).where(Run.id == run_id)
    run = query.namedtuples().first() if is_id(run_id, "run") else None
    if run is None:
        raise NotFound
    return run


def size_of(column: peewee.Field) -> Any:
    """SQL: the bytes of a text column, null for null."""
    if is_postgres():
        return peewee.fn.OCTET_LENGTH(column)
    return peewee.fn.LENGTH(peewee.Cast(column, "BLOB"))


def _start_of(column: peewee.Field) -> Any:
    return unread(peewee.fn.SUBSTR(column, 1, PREVIEW))


def _of_run(run_id: str, *columns: Any) -> Any:
    return (
        Snapshot.select(*columns)
        .left_outer_join(StageRun, on=(Snapshot.stage_run_id == StageRun.id))
        .where(Snapshot.run == run_id)
        .order_by(Snapshot.seq)
    )


def previewed(run_id: str) -> list[dict[str, Any]]:
    """All snapshots of a run in order, with the beginnings of `output` and `error`."""
    columns = (
        *_SUMMARY,
        _start_of(StageRun.output).alias("output"),
        _start_of(StageRun.error).alias("error"),
    )
    return list(_of_run(run_id, *columns).dicts())


def some(run_id: str, stage_id: str | None, type: str | None) -> Any:
    """The query of a run's snapshots in order, of one stage or type when given."""
    query = _of_run(run_id, *_SUMMARY)
    if stage_id is not None:
        query = query.where(StageRun.stage_id == stage_id)
    if type == RUN_START:
        return query.where(Snapshot.stage_run_id.is_null())
    if type is not None:
        (status,) = (status for status, name in TYPES.items() if name == type)
        return query.where(StageRun.status == status)
    return query


def find_snapshot(run_id: str, snapshot_id: str) -> dict[str, Any]:
    """One snapshot of a run with what its stage run holds but the output, JSON as text; the
    output's `size` beside. Raises NotFound."""
    columns = (
        *_SUMMARY,
        Snapshot.stage_run_id,
        size_of(StageRun.output).alias("size"),
        raw(StageRun.error),
        raw(StageRun.usage),
    )
    query = _of_run(run_id, *columns).where(Snapshot.id == snapshot_id)
    found = query.dicts().first() if is_id(snapshot_id, "snp") else None
    if found is None:
        raise NotFound
    return dict(found)


def between(run_id: str, one: int, other: int) -> list[dict[str, Any]]:
    """Stage, status and usage of the snapshots behind the earlier number, up to the later."""
    low, high = sorted((one, other))
    query = _of_run(run_id, StageRun.stage_id, StageRun.status, StageRun.usage)
    return list(query.where(Snapshot.seq > low, Snapshot.seq <= high).dicts())


def id_at(run_id: str, seq: int) -> str | None:
    """The id of the snapshot of this number, if there is one."""
    query: Any = Snapshot.select(Snapshot.id).where(Snapshot.run == run_id, Snapshot.seq == seq)
    return next((id for (id,) in query.tuples()), None)


def last(run_id: str) -> tuple[int, str | None]:
    """Number and id of the newest snapshot of a run; -1 and None without any."""
    query: Any = Snapshot.select(Snapshot.seq, Snapshot.id).where(Snapshot.run == run_id)
    found = query.order_by(Snapshot.seq.desc()).limit(1).tuples().first()
    return tuple(found) if found else (-1, None)


def outputs_of(stage_run_ids: Collection[str]) -> dict[str, str]:
    """The outputs of these stage runs as text, by their ids."""
    if not stage_run_ids:
        return {}
    stored: Any = StageRun.select(StageRun.id, raw(StageRun.output))
    return dict(stored.where(StageRun.id.in_(list(stage_run_ids))).tuples())


def sizes_of(stage_run_ids: Collection[str]) -> dict[str, int]:
    """The bytes of the outputs of these stage runs, by their ids."""
    if not stage_run_ids:
        return {}
    stored: Any = StageRun.select(StageRun.id, size_of(StageRun.output))
    return dict(stored.where(StageRun.id.in_(list(stage_run_ids))).tuples())


def summary(run_id: str, row: Mapping[str, Any]) -> dict[str, JSON]:
    """A SnapshotSummary of contract 05."""
    path = row["iteration_path"]
    indexes = [int(index) for index in path.split(".")] if path else []
    status = row["status"]
    return {
        "id": row["id"],
        "run_id": run_id,
        "seq": row["seq"],
        "snapshot_type": TYPES[StageStatus(status)] if status else RUN_START,
        "stage_id": row["stage_id"],
        "stage_name": row["stage_name"],
        "component_type": row["component_type"],
        "round": row["round"] or 0,
        "iteration": indexes[-1] if indexes else None,
        "iteration_path": indexes,
        "status": status,
        "timestamp": time_text(row["created_at"]),
        "duration_ms": row["duration_ms"],
    }


def entries(run_id: str, rows: list[dict[str, Any]], current: int) -> Iterator[dict[str, JSON]]:
    """The entries of a timeline whose cursor stands at the place `current`."""
    for place, row in enumerate(rows):
        yield {
            **summary(run_id, row),
            "is_current": place == current,
            "has_output": row["output"] is not None,
            "output_preview": row["output"],
            "error_preview": row["error"],
        }
