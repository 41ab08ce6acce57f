"""What the stages of a run logged, each entry once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.cli.client import Client, Unreachable, run_path
from app.cli.output import one_line
from app.cli.runs.following import Event
from app.cli.runs.telling import stage_of
from app.core.wire import dumps

Entry = dict[str, Any]

#: From the least to the most urgent.
LEVELS = ("debug", "info", "warning", "error")

_ENDS = ("stage_completed", "stage_failed")
#: A loop that goes on is read again after so many times what reading it took: its rows are many.
_REST = 5.0


@dataclass
class Logbook:
    """Reads the log of one run; `level` is the least urgent that counts, `stage_id` the only stage.

    All calls raise Refused.
    """

    client: Client
    run_id: str
    stage_id: str | None = None
    level: str = LEVELS[0]
    _given: Counter[str] = field(default_factory=Counter)
    _ended: set[str] = field(default_factory=set)
    _rest_until: float = 0.0

    def take(self, event: Event) -> None:
        """An event of the run: a stage that ended has logged what it logs."""
        if event["type"] in _ENDS and self.stage_id in (None, event["stage_id"]):
            self._ended.add(event["stage_id"])

    def news(self) -> list[Entry]:
        """What the stages that ended logged since they were last read, oldest first; later when
        Studio is away, or when reading it was costly and not long ago."""
        began = time.monotonic()
        if not self._ended or began < self._rest_until:
            return []
        try:
            entries = self.rest()
        except Unreachable:
            return []
        self._rest_until = time.monotonic() + _REST * (time.monotonic() - began)
        return entries

    def rest(self) -> list[Entry]:
        """What the stages that ended logged and was not given, oldest first."""
        entries = self._unread(*sorted(self._ended))
        self._ended.clear()
        return entries

    def everything(self) -> list[Entry]:
        """What was logged so far and not given, oldest first."""
        return self._unread(self.stage_id)

    def _unread(self, *stage_ids: str | None) -> list[Entry]:
        # All is read before any of it counts as given: a Studio that goes away takes nothing along.
        read = [stage for stage_id in stage_ids for stage in self._with_logs(stage_id)]
        fresh = [entry for stage in read for entry in self._fresh(stage)]
        return sorted(fresh, key=lambda entry: entry["at"])

    def _with_logs(self, stage_id: str | None) -> Iterator[dict[str, Any]]:
        path, query = f"{run_path(self.run_id)}/stages", {"stage_id": stage_id}
        for stage in self.client.pages(path, query):
            if stage["logs"]:
                yield {**stage, "output": None}

    def _fresh(self, stage: dict[str, Any]) -> Iterator[Entry]:
        given, logs = self._given[stage["id"]], stage["logs"]
        self._given[stage["id"]] = len(logs)
        return (_entry(stage, log) for log in logs[given:] if self._counts(log))

    def _counts(self, log: dict[str, Any]) -> bool:
        return _urgency(log["level"]) >= _urgency(self.level)


def _entry(stage: dict[str, Any], log: dict[str, Any]) -> Entry:
    where = {name: stage[name] for name in ("stage_id", "iteration_path", "round")}
    return {"at": log["at"], "level": log["level"], **where, **log}


def _urgency(level: str) -> int:
    # What a later version calls otherwise is not hidden.
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def line(entry: Entry) -> str:
    """An entry as a line for a person."""
    round = f" round {entry['round'] + 1}" if entry["round"] else ""
    data = "" if entry.get("data") is None else f"  {dumps(entry['data'])}"
    stage = f"{stage_of(entry)}{round}"
    return one_line(f"{entry['at']}  {entry['level']:<7}  {stage}  {entry['message']}{data}")
