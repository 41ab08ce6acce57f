"""How a run ends, parks or is handed back: last rows, final event and status in one write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import config
from app.core import clock, wire
from app.core.states import RunStatus
from app.core.wire import JSON
from app.engine.control import NOWHERE
from app.engine.instance import (
    Cancelled,
    Completed,
    Failed,
    HandedBack,
    Outcome,
    Parked,
    Paused,
    Place,
)
from app.infra.broker import ring
from app.infra.database import after_commit, transaction
from app.models import journal_sql
from app.services.runs import alarms, commands, events
from app.services.runs.claim import Lease
from app.services.runs.journal import Journal, RunEvent

_NOTHING: Mapping[str, Any] = {
    "output": None,
    "output_stage_run_id": None,
    "error": None,
    "usage": None,
    "completed_at": None,
    "duration_ms": None,
    "wake_at": None,
    "waiting_on": None,
    "paused_before": None,
    "paused_iteration": None,
    "paused_round": None,
    "paused_reason": None,
    "seen": None,
}


#: Ids of the stages outside bodies that are completed, and of those that are not final.
Standing = tuple[Sequence[str], Sequence[str]]


def settle(
    lease: Lease,
    journal: Journal,
    outcome: Outcome,
    children: Sequence[str] = (),
    standing: Standing = ((), ()),
) -> bool:
    """Writes how the run left this worker.

    False: it was to pause or park, but a command came in between, or one of the `children` that it
    waits for ended; the run goes on. `standing` is told of a run that pauses. Raises LeaseLost,
    having written nothing.
    """
    match outcome:
        case Completed() | Failed() | Cancelled():
            return _end(lease, journal, outcome)
        case Parked(wake_at, waiting_on):
            return _park(lease, journal, wake_at, waiting_on, children)
        case HandedBack():
            return _hand_back(journal)
        case Paused():
            return _pause(lease, journal, outcome, standing)


def _end(lease: Lease, journal: Journal, outcome: Completed | Failed | Cancelled) -> bool:
    now = lease.now()
    change = {
        **_NOTHING,
        "completed_at": clock.text_of_ms(now),
        "duration_ms": now - lease.started_at if lease.row["started_at"] else None,
        **_ending(outcome),
    }
    type = f"run_{change['status']}"
    output = _output_text(outcome)
    limit = config.settings().event_output_bytes
    said = events.ended(change, type, output, limit)
    return journal.settle(change, RunEvent(type, _told(lease, outcome), now), said)


def _told(lease: Lease, outcome: Outcome) -> dict[str, JSON]:
    """What the final event tells that is not in the run's row."""
    if isinstance(outcome, Cancelled):
        return {"cancelled_by": commands.stopped_by(lease.control)}
    return {}


def _ending(outcome: Completed | Failed | Cancelled) -> dict[str, JSON]:
    if isinstance(outcome, Failed):
        return {
            "status": RunStatus.FAILED.value,
            "error": wire.dumps(outcome.error.to_json()),
        }
    if isinstance(outcome, Cancelled):
        return {"status": RunStatus.CANCELLED.value}
    # An output is stored once: that of a stage stays in its row.
    if outcome.output_stage is not None:
        return {
            "status": RunStatus.COMPLETED.value,
            "output_stage_run_id": outcome.output_stage.id,
        }
    return {"status": RunStatus.COMPLETED.value, "output": _output_text(outcome)}


def _output_text(outcome: Outcome) -> str | None:
    if not isinstance(outcome, Completed):
        return None
    stage = outcome.output_stage
    if stage is not None and stage.output_text is not None:
        return stage.output_text
    return wire.dumps(outcome.output)


def _park(
    lease: Lease,
    journal: Journal,
    wake_at: int | None,
    waiting_on: str | None,
    children: Sequence[str],
) -> bool:
    change = {
        **_NOTHING,
        "status": RunStatus.RUNNING.value,
        "wake_at": None if wake_at is None else clock.text_of_ms(wake_at),
        "waiting_on": waiting_on,
        "seen": lease.control_seq,
    }
    if waiting_on is None:
        parked = journal.settle(change)
    else:
        # None of them may end between the look at it and the parking: its end wakes who is parked.
        with transaction():
            all_open = len(journal_sql.open_ones(children)) == len(children)
            parked = all_open and journal.settle(change)
    if parked and wake_at is not None:
        alarms.ring_in((wake_at - lease.now()) / 1000)
    return parked


def _hand_back(journal: Journal) -> bool:
    journal.settle({**_NOTHING, "status": RunStatus.PENDING.value})
    after_commit(lambda: ring("runs"))
    return True


def _pause(lease: Lease, journal: Journal, outcome: Paused, standing: Standing) -> bool:
    key = outcome.before.key if outcome.before else None
    completed, pending = standing
    data = {
        "stage_id": key and key.stage_id,
        "iteration_path": list(key.path) if key else [],
        "round": key and key.round,
        "reason": outcome.reason,
        "completed_stages": list(completed),
        "pending_stages": list(pending),
        "error": outcome.error and outcome.error.to_json(),
    }
    return _stand(lease, journal, outcome.before or NOWHERE, data)


def pause_again(lease: Lease, journal: Journal, place: Place, told: Mapping[str, JSON]) -> bool:
    """Pauses a run where it stood; `told` is what its last pause said. Otherwise as `settle`."""
    return _stand(lease, journal, place, {**told, "reason": "pause"})


def _stand(lease: Lease, journal: Journal, place: Place, data: Mapping[str, JSON]) -> bool:
    change = {
        **_NOTHING,
        "status": RunStatus.PAUSED.value,
        **commands.standing_columns(place, data["reason"]),
        "seen": lease.control_seq,
    }
    return journal.settle(change, RunEvent("execution_paused", data, lease.now()))
