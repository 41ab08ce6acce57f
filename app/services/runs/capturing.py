"""What a worker notes for those who look back: a snapshot of the start, and one behind each stage
that ended (contract 05, Snapshots)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import peewee

import config
from app.core import wire
from app.core.states import StageStatus
from app.core.wire import JSON
from app.models import Snapshot, StageRun
from app.services.runs.events import time_text

_FINISHED = (StageStatus.COMPLETED, StageStatus.FAILED, StageStatus.SKIPPED)


class Captured:
    """The snapshots of a claimed run that are not written yet.

    `rows` are in the order of SNAPSHOT_COLUMNS. A run has its snapshots from its start or none.
    """

    def __init__(self, run: Mapping[str, Any]) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._next = _next_seq(run)
        if self._next == 0:
            self._append(time_text(run["started_at"]), None, None)

    def add(
        self, stage_run_id: str, at: str, writes: Mapping[tuple[str, bool], JSON] | None
    ) -> None:
        """Notes the end of a stage run, and the variables that it wrote."""
        if self._next is not None:
            variables = writes and [[name, stays, value] for (name, stays), value in writes.items()]
            text = wire.dumps(variables) if variables else None
            self._append(at, stage_run_id, text)

    def _append(self, at: str, stage_run_id: str | None, text: str | None) -> None:
        assert self._next is not None
        self.rows.append((at, self._next, stage_run_id, text))
        self._next += 1


def _next_seq(run: Mapping[str, Any]) -> int | None:
    """The number of the next snapshot; None when none is captured of this run."""
    if config.settings().snapshots == "off" or run["started_at"] is None:
        return None
    if run["began"] is None:
        return 0
    ended = StageRun.select(peewee.fn.COUNT(StageRun.id)).where(
        StageRun.run == run["id"], StageRun.status.in_(_FINISHED)
    )
    newest: Any = Snapshot.select(peewee.fn.MAX(Snapshot.seq), ended).where(
        Snapshot.run == run["id"]
    )
    seq, finished = newest.tuples().get()
    if seq is None:
        return None if finished else 0
    # What an earlier worker did not capture is missing for good: no half histories.
    return int(seq) + 1 if seq == finished else None
