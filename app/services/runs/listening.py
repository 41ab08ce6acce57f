"""How the runs of this process hear of commands."""

from __future__ import annotations

from typing import Any

from app.infra import bus
from app.infra.database import statement
from app.infra.subscription import Subscription
from app.models import Run
from app.models.base import raw
from app.services.runs import claim


def listen() -> Subscription:
    """Has the runs of this process read their control as soon as it changes, by one subscription
    for all of them. While Redis is away the heartbeat finds what was not heard."""
    notes = Subscription(lambda channel, run_id: claim.note(run_id.decode()), claim.note_all)
    notes.subscribe(bus.CONTROL_CHANNEL, wait_seconds=0)
    return notes


def read(run_id: str) -> tuple[str | None, int, str]:
    """The command that stands, the counter of all there were, and the breakpoints as JSON text."""
    query: Any = Run.select(Run.control, Run.control_seq, raw(Run.breakpoints))
    with statement():
        command, seq, breakpoints = query.where(Run.id == run_id).tuples().get()
    return command, seq, breakpoints
