"""Commands to runs. What needs no worker is done on the spot; the rest is left for the worker that
holds the run, which sees the command counter in its next write or heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import config
from app.core import clock
from app.core.errors import IllegalMove, InvalidPipeline, NotFound
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.states import RunStatus, StageStatus, is_final
from app.core.wire import JSON
from app.engine.instance import Cancelled, Failed, child_run_id
from app.engine.operators.subpipeline import Subpipeline
from app.infra import bus
from app.infra.database import after_commit, locked, statement, transaction
from app.infra.subscription import Subscription
from app.models import Run, StageRun, journal_sql
from app.models.base import raw
from app.services.identity import audit
from app.services.runs import claim, commands
from app.services.runs.claim import Lease
from app.services.runs.events import embedded
from app.services.runs.journal import Journal
from app.services.runs.restore import restore
from app.services.runs.settle import settle
from app.services.runs.standins import SourceGone


def stop(who: Principal, run_id: str) -> dict[str, JSON]:
    """Stops a run and the children that it awaits (contract 03, Stop); gives its RunControl.

    Raises NotFound; IllegalMove for a run that is final.
    """
    by = who.user_id or who.client_id or who.api_key_id
    with transaction():
        run = _locked(who, run_id)
        if is_final(RunStatus(run.status)):
            raise IllegalMove(f"A {run.status} run cannot become cancelled.")
        audit.record(who, "run.stop", run.id)
        children = None if commands.is_stop(run.control) else _stop(run.id, by)
    for child in children or ():
        stop_run(child, by)
    return _stopped(who, run.id)


def _locked(who: Principal, run_id: str) -> Any:
    """The run, which nobody else writes until this transaction ends. Raises NotFound."""
    query = Run.of(who.org_id, Run.id, Run.status, Run.control).where(Run.id == run_id)
    run = locked(query).namedtuples().first() if is_id(run_id, "run") else None
    if run is None:
        raise NotFound
    return run


def _stopped(who: Principal, run_id: str) -> dict[str, JSON]:
    query = Run.of(who.org_id, Run.status, raw(Run.breakpoints)).where(Run.id == run_id)
    status, breakpoints = query.tuples().get()
    return {
        "run_id": run_id,
        "status": status,
        "mode": "stopped",
        "paused_before": None,
        "paused_iteration": [],
        "breakpoints": embedded(breakpoints),
    }


def stop_run(run_id: str, by: str | None = None) -> None:
    """Ends a run and the children that it awaits as cancelled; one that is under way as soon as its
    worker hears of it. A final run stays as it is. `by` is the id of who asked."""
    with transaction():
        children = _stop(run_id, by)
    for child in children:
        stop_run(child, by)


def _stop(run_id: str, by: str | None) -> list[str]:
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


def listen() -> Subscription:
    """Has the runs of this process read their control as soon as it changes, by one subscription
    for all of them. While Redis is away the heartbeat finds what was not heard."""
    notes = Subscription(lambda channel, run_id: claim.note(run_id.decode()), claim.note_all)
    notes.subscribe(bus.CONTROL_CHANNEL, wait_seconds=0)
    return notes


def read(run_id: str) -> tuple[str | None, int]:
    """The command that stands, and the counter of all there were."""
    query: Any = Run.select(Run.control, Run.control_seq).where(Run.id == run_id)
    with statement():
        command, seq = query.tuples().get()
    return command, seq
