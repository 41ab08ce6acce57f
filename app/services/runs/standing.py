"""Runs that no worker holds are paused on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from app.core.wire import JSON
from app.engine.control import Control
from app.engine.instance import Completed, Failed, Outcome, Parked, Paused
from app.infra.database import after_commit
from app.models import RunEvent
from app.services.runs import breakpoints, commands
from app.services.runs.claim import Lease
from app.services.runs.journal import Journal
from app.services.runs.restore import restore
from app.services.runs.settle import pause_again, settle
from app.services.runs.standins import SOURCE_GONE, SourceGone
from app.services.runs.stopping import end_unheld, stop_run


def pause_unheld(row: Mapping[str, Any], asked: str | None) -> None:
    """Pauses a run that was just taken and that no worker holds. `asked` is the command that stood
    before. A run whose time brings its end ends, and so does a fork whose source is gone.

    Raises InvalidPipeline when its version names what is no longer there.
    """
    lease = Lease({**row, "began": row["started_at"]})
    place = commands.place_of(asked)
    if place is not None and commands.is_unheard(asked):
        # No worker has taken it since it was resumed: it stands where it stood.
        pause_again(lease, Journal(lease), place, _last_pause(lease.run_id))
        return
    try:
        _halt(lease)
    except SourceGone:
        for child in end_unheld(row, Failed(SOURCE_GONE)):
            after_commit(partial(stop_run, child))


def _last_pause(run_id: str) -> Mapping[str, JSON]:
    """What the last execution_paused says beyond its head."""
    query: Any = (
        RunEvent.select(RunEvent.data)
        .where(RunEvent.run == run_id, RunEvent.type == "execution_paused")
        .order_by(RunEvent.seq.desc())
    )
    told: Mapping[str, JSON] = query.tuples().first()[0]
    return told


def _halt(lease: Lease) -> None:
    coordinator, known = restore(lease)
    stops = breakpoints.to_obey(lease.breakpoints)
    coordinator.obey(Control("pause", None, commands.place_of(lease.control), stops))
    outcome = coordinator.stand_still()
    if lease.row["began"] is None:
        return _stand_before_all(lease, outcome)
    journal = Journal(lease, known)
    journal.add(coordinator.drain())
    if not isinstance(outcome, Paused | Completed | Failed):
        outcome = Parked(lease.now())  # it does not stand still yet: a worker sees to it
    settle(lease, journal, outcome, standing=coordinator.standing())


def _stand_before_all(lease: Lease, outcome: Outcome | None) -> None:
    """Pauses a run that has not begun. What a fork takes over is told behind its run_started."""
    before = outcome.before if isinstance(outcome, Paused) and outcome.reason == "pause" else None
    outside = [id for id, planned in lease.plan.stages.items() if planned.body[0] is None]
    settle(lease, Journal(lease), Paused("pause", before), standing=([], outside))
