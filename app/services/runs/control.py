"""Commands to runs (contract 05, Control): one function each, for all doors.

What needs no worker is done on the spot; the rest is left for the worker that holds the run, which
sees the command counter in its next write or heartbeat, and hears of it by a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import config
from app.core import wire
from app.core.errors import IllegalMove, NotFound
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.core.wire import JSON
from app.infra import bus
from app.infra.broker import ring
from app.infra.database import after_commit, locked, transaction
from app.models import Run, journal_sql
from app.models.base import raw
from app.services.identity import audit
from app.services.runs import breakpoints, commands
from app.services.runs.breakpoints import Breakpoint
from app.services.runs.standing import pause_unheld
from app.services.runs.stopping import awaited_children, stop_one, stop_run
from app.services.runs.variants import plan_of_run


def pause(who: Principal, run_id: str) -> dict[str, JSON]:
    """Has nothing of the run start any more; gives its RunControl.

    At once for a run that waits for a worker or for a time; for one that runs, or awaits a child,
    as soon as that is over. Raises NotFound; IllegalMove for a run that is paused or final, or is
    being stopped; InvalidPipeline when its version names what is no longer there.
    """
    with commanded(who, run_id) as run:
        _check_pause(run)
        journal_sql.command(run.id, commands.pause(run.control))
        row = _taken_to_pause(run)
        if row is None:
            _note(run.id)
        else:
            pause_unheld(row, run.control)
        return run_control(who, run.id)


def _taken_to_pause(run: Any) -> dict[str, Any] | None:
    # One that parked only to make room for others may await a child, which is to end first.
    if run.status == RunStatus.RUNNING and awaited_children(run.id):
        return None
    return journal_sql.take_to_pause(run.id, config.settings().lease_seconds)


def resume(who: Principal, run_id: str) -> dict[str, JSON]:
    """Has a paused run go on, or takes back a pause or step that is not reached yet; gives its
    RunControl.

    Raises NotFound; IllegalMove when there is nothing to resume.
    """
    with commanded(who, run_id) as run:
        if run.status == RunStatus.PAUSED:
            _go_on(run, commands.resume(commands.standing_place(run)))
        else:
            _check_take_back(run)
            journal_sql.command(run.id, commands.take_back(run.control))
            _note(run.id)
        return run_control(who, run.id)


def step(who: Principal, run_id: str) -> dict[str, JSON]:
    """Has a paused run execute the one stage before which it stands, and pause again; gives its
    RunControl.

    Raises NotFound; IllegalMove for a run that is not paused.
    """
    with commanded(who, run_id) as run:
        if run.status != RunStatus.PAUSED:
            advice = " Pause it first." if not is_final(RunStatus(run.status)) else ""
            raise IllegalMove(f"Only a paused run can go a step; this one is {run.status}.{advice}")
        _go_on(run, commands.step(commands.standing_place(run)))
        return run_control(who, run.id)


def stop(who: Principal, run_id: str) -> dict[str, JSON]:
    """Stops a run and the children that it awaits (contract 03, Stop); gives its RunControl.

    Raises NotFound; IllegalMove for a run that is final.
    """
    by = who.user_id or who.client_id or who.api_key_id
    with commanded(who, run_id) as run:
        if is_final(RunStatus(run.status)):
            raise IllegalMove(f"A {run.status} run cannot become cancelled.")
        audit.record(who, "run.stop", run.id)
        children = None if commands.is_stop(run.control) else stop_one(run.id, by)
    for child in children or ():
        stop_run(child, by)
    return run_control(who, run.id) | {"mode": "stopped"}


def set_breakpoint(
    who: Principal,
    run_id: str,
    *,
    stage_id: str | None = None,
    stage_ids: Sequence[str] | None = None,
    condition: str | None = None,
    on_error: bool = False,
) -> dict[str, JSON]:
    """Adds a breakpoint, or one for each of `stage_ids`, in place of their former ones; gives the
    run's RunControl.

    Raises ValidationFailed, with pointers, for an unknown stage, a broken condition, or unless
    either stages are named or it is for all errors; NotFound; IllegalMove for a final run.
    """
    given = breakpoints.read_request(stage_id, stage_ids, condition, on_error)
    run = _found(who, run_id)
    breakpoints.check_stages(given, plan_of_run(run.pipeline_version_id, run.document))
    return _change(who, run_id, lambda present: breakpoints.with_all(present, given.values()))


def clear_breakpoint(
    who: Principal, run_id: str, *, stage_id: str | None = None
) -> dict[str, JSON]:
    """Removes the breakpoints of a stage, or all of the run; gives its RunControl.

    Raises NotFound; IllegalMove for a final run.
    """
    return _change(who, run_id, lambda present: breakpoints.without_stage(present, stage_id))


def _change(
    who: Principal, run_id: str, change: Callable[[Sequence[Breakpoint]], Sequence[Breakpoint]]
) -> dict[str, JSON]:
    with commanded(who, run_id) as run:
        if is_final(RunStatus(run.status)):
            raise IllegalMove(f"A {run.status} run takes no breakpoints any more.")
        changed = change(run.breakpoints)
        journal_sql.set_breakpoints(run.id, wire.dumps(list(changed)))
        _note(run.id)
        return run_control(who, run.id)


def _check_pause(run: Any) -> None:
    if is_final(RunStatus(run.status)):
        raise IllegalMove(f"A {run.status} run cannot be paused.")
    if run.status == RunStatus.PAUSED:
        raise IllegalMove("A paused run cannot be paused again. Resume it or go a step.")
    if commands.is_stop(run.control):
        raise IllegalMove(f"This {run.status} run is being stopped and cannot be paused.")


def _check_take_back(run: Any) -> None:
    if is_final(RunStatus(run.status)):
        raise IllegalMove(f"A {run.status} run cannot be resumed.")
    if commands.is_stop(run.control):
        raise IllegalMove(f"This {run.status} run is being stopped and cannot be resumed.")
    if not (commands.is_pause(run.control) or commands.is_step(run.control)):
        raise IllegalMove(f"This run is {run.status}, not paused: there is nothing to resume.")


def _go_on(run: Any, command: str) -> None:
    journal_sql.go_on(run.id, command)
    after_commit(lambda: ring("runs"))


def _note(run_id: str) -> None:
    after_commit(lambda: bus.publish_control(run_id))


@contextmanager
def commanded(who: Principal, run_id: str) -> Iterator[Any]:
    """A transaction around a command, with the run's row, which nobody else writes until it ends.
    Raises NotFound."""
    run = None
    try:
        with transaction():
            run = _found(who, run_id, lock=True)
            yield run
    finally:
        # A worker passes over a run that is locked, and may have heard the last bell for it then.
        if run is not None and run.status == RunStatus.PENDING:
            after_commit(lambda: ring("runs"))


def _found(who: Principal, run_id: str, *, lock: bool = False) -> Any:
    """The run as it is now; with `lock` nobody else writes it until the open transaction ends.

    Raises NotFound.
    """
    query = Run.of(who.org_id, *_COLUMNS).where(Run.id == run_id)
    query = locked(query) if lock else query
    found = query.namedtuples().first() if is_id(run_id, "run") else None
    if found is None:
        raise NotFound
    return found


_COLUMNS = (
    Run.id,
    Run.status,
    Run.control,
    Run.breakpoints,
    Run.paused_before,
    Run.paused_iteration,
    Run.paused_round,
    Run.paused_reason,
    Run.pipeline_version_id,
    Run.trigger_type,
    Run.forked_from_run_id,
    raw(Run.document),
)


def run_control(who: Principal, run_id: str) -> dict[str, JSON]:
    """The RunControl of a run (contract 05). Raises NotFound."""
    run = _found(who, run_id)
    status = RunStatus(run.status)
    is_paused = status is RunStatus.PAUSED
    return {
        "run_id": run.id,
        "status": status.value,
        "mode": commands.mode(status, run.control),
        "paused_before": run.paused_before if is_paused else None,
        "paused_iteration": list(commands.read_path(run.paused_iteration)) if is_paused else [],
        "breakpoints": run.breakpoints,
    }
