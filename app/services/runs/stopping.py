"""Runs are ended before their time: on the spot when nobody works on them, else by their worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import config
from app.core import clock
from app.core.errors import InvalidPipeline
from app.core.states import StageStatus
from app.engine.instance import Cancelled, Failed, child_run_id
from app.engine.operators.subpipeline import Subpipeline
from app.infra import bus
from app.infra.database import after_commit, transaction
from app.models import StageRun, journal_sql
from app.services.runs import commands
from app.services.runs.claim import Lease
from app.services.runs.journal import Journal
from app.services.runs.restore import restore
from app.services.runs.settle import settle
from app.services.runs.standins import SourceGone


def stop_run(run_id: str, by: str | None = None) -> None:
    """Ends a run and the children that it awaits as cancelled; one that is under way as soon as its
    worker hears of it. A final run stays as it is. `by` is the id of who asked."""
    with transaction():
        children = stop_one(run_id, by)
    for child in children:
        stop_run(child, by)


def stop_one(run_id: str, by: str | None) -> list[str]:
    """Stops a run; gives the children to stop once this is committed."""
    if not journal_sql.command(run_id, commands.stop(by)):
        return []
    row = journal_sql.take_to_end(run_id, config.settings().lease_seconds)
    if row is None:
        after_commit(lambda: bus.publish_control(run_id))
        return []
    return end_unheld(row, Cancelled())


def end_unheld(row: Mapping[str, Any], outcome: Cancelled | Failed) -> list[str]:
    """Settles a run that was just taken and that no worker holds: what it had begun is closed.

    Gives the ids of the children that it awaited, which are to be stopped once this is committed.
    Raises LeaseLost.
    """
    children = awaited_children(row["id"])
    lease = Lease({**row, "began": row["started_at"]})
    settle(lease, _closed(lease), outcome)
    return children


def _closed(lease: Lease) -> Journal:
    """The journal in which all that was under way is cancelled."""
    if lease.row["started_at"] is None:
        return Journal(lease)
    try:
        coordinator, known = restore(lease)
    except (InvalidPipeline, SourceGone):
        return Journal(lease)  # it names what is no longer there
    coordinator.cancel()
    journal = Journal(lease, known)
    journal.add(coordinator.drain())
    return journal


def awaited_children(run_id: str) -> list[str]:
    """The ids of the child runs that stages of this run wait for."""
    waiting: Any = StageRun.select(StageRun.id, StageRun.failures, StageRun.started_at).where(
        StageRun.run == run_id,
        StageRun.component_type == Subpipeline.type,
        StageRun.status == StageStatus.RUNNING,
    )
    return [
        child_run_id(id, failures, clock.to_ms(started_at))
        for id, failures, started_at in list(waiting.tuples())
    ]
