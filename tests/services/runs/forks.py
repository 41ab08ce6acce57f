"""Forks made in tests: snapshots found by their stage, and what a fork executed."""

from __future__ import annotations

from app.infra.database import database
from app.models import Run, RunEvent, Snapshot, StageRun
from app.services.runs import drive
from app.services.runs.comparing import get_what_if
from app.services.runs.replay import start_replay
from app.services.runs.what_if import start_what_if


def snapshot_of(run_id: str, stage_id: str | None = None, path: str = "", round: int = 0) -> str:
    """The snapshot behind a stage run; of the run's start without one."""
    if stage_id is None:
        return Snapshot.get(Snapshot.run == run_id, Snapshot.seq == 0).id
    stage = StageRun.get(
        StageRun.run == run_id,
        StageRun.stage_id == stage_id,
        StageRun.iteration_path == path,
        StageRun.round == round,
    )
    return Snapshot.get(Snapshot.stage_run_id == stage.id).id


def last_snapshot(run_id: str) -> str:
    """The newest one of a run."""
    newest = Snapshot.select().where(Snapshot.run == run_id).order_by(Snapshot.seq.desc())
    return newest.first().id


def replay(who, run_id: str, snapshot_id: str, **options: object) -> str:
    """Replays and drives; gives the id of the new run."""
    fork = start_replay(who, run_id, snapshot_id, **options).run["id"]
    drive.advance_run()
    return fork


def what_if(who, run_id: str, snapshot_id: str, changes: dict, **options: object) -> dict:
    """Starts a what-if, drives it and compares."""
    fork = start_what_if(who, run_id, snapshot_id, changes, **options).run["id"]
    drive.advance_run()
    return get_what_if(who, run_id, fork)


def executed(run_id: str) -> list[tuple[str, str, int]]:
    """Stage id, iteration path and round of what a run executed itself, in order of the ends."""
    rows = (
        StageRun.select()
        .join(RunEvent, on=(RunEvent.stage_run_id == StageRun.id))
        .where(
            StageRun.run == run_id,
            StageRun.reused == False,  # noqa: E712
            StageRun.attempt > 0,
            RunEvent.type.in_(("stage_completed", "stage_failed")),
        )
        .order_by(RunEvent.seq)
    )
    return [(row.stage_id, row.iteration_path, row.round) for row in rows]


def history(run_id: str) -> list:
    """Everything that is stored of a run."""
    return [
        database.execute_sql(
            f"SELECT * FROM {table._meta.table_name} WHERE {name} = '{run_id}' ORDER BY {order}"
        ).fetchall()
        for table, name, order in (
            (Run, "id", "id"),
            (StageRun, "run_id", "id"),
            (RunEvent, "run_id", "seq"),
            (Snapshot, "run_id", "seq"),
        )
    ]
