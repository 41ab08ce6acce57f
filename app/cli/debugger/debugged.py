"""A run as the debugger knows it: what happened so far, where it stands, what is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from app.cli.client import Client, run_path
from app.cli.exits import EXITS
from app.cli.home import Refused
from app.cli.runs.following import Event, Follower
from app.cli.runs.progress import RunProgress
from app.cli.runs.shape import shape_of
from app.cli.runs.watching import tell_lost
from app.core import clock

Snapshot = dict[str, Any]


class Debugged:
    """One run under the debugger. All calls raise Refused.

    `progress` is what its events amount to; `pause` the event of the pause in which it stands, else
    None; `end` its last event. `breakpoints` are those it has as far as this client knows.
    `looked_at` is the snapshot to which the person went, None when the present is looked at.
    """

    def __init__(self, client: Client, run: dict[str, Any]) -> None:
        self.client = client
        self.run = run
        self.path = run_path(run["id"])
        self.breakpoints: list[dict[str, Any]] = run["breakpoints"]
        self.pause: Event | None = None
        self.end: Event | None = None
        self.looked_at: Snapshot | None = None
        self._seq = 0
        shape = shape_of(client, run)
        self.progress = RunProgress(shape)
        # Stages inside owners are told by the first event; a run that stands at its entry has none.
        self.progress.expect([*(stage["stage_id"] for stage in run["stages"]), *shape.owners])

    @property
    def stands(self) -> bool:
        """Whether nothing happens until somebody says so: it is paused, or over."""
        return self.pause is not None or self.end is not None

    def news(self) -> Iterator[Event]:
        """What happened meanwhile, whoever caused it."""
        for event in self._follower().so_far():
            self._take(event)
            yield event

    def wait(self) -> Iterator[Event]:
        """What happens from now until the run stands."""
        self.looked_at = None
        if self.pause is not None:  # it is to go on, and no worker has said so yet
            self.pause, self.progress.state = None, "pending"
        for event in self._follower():
            self._take(event)
            yield event
            if self.stands:
                return

    def command(self, name: str, **fields: Any) -> None:
        """Sends a command of contract 05."""
        self.breakpoints = self.client.post(f"{self.path}/{name}", fields)["breakpoints"]

    def travel(self, direction: str) -> Snapshot:
        """Goes to the snapshot before or behind; `direction` is back or forward."""
        start = self.looked_at["id"] if self.looked_at else self._newest_id()
        path = f"{self._history}/step-{direction}"
        self.looked_at = self.client.post(path, {"from_snapshot_id": start})
        return self.looked_at

    def snapshot(self) -> Snapshot:
        """The state that is looked at: where the person went, else the newest."""
        if self.looked_at is not None:
            return self.looked_at
        newest = self._newest_id()
        if newest is None:
            raise Refused("This run has no snapshots.")
        return self.snapshot_of(newest)

    def snapshot_of(self, snapshot_id: str) -> Snapshot:
        """The snapshot of this id."""
        found: Snapshot = self.client.get(f"{self._history}/snapshots/{snapshot_id}")
        return found

    def last_snapshot_of_stage(self, stage_id: str) -> Snapshot | None:
        """What its newest end recorded; None when it has not ended."""
        ends = self.client.pages(f"{self._history}/snapshots", {"stage_id": stage_id})
        newest = deque(ends, maxlen=1)
        return self.snapshot_of(newest[0]["id"]) if newest else None

    @property
    def _history(self) -> str:
        return self.path.replace("/runs/", "/time-travel/", 1)

    def _newest_id(self) -> str | None:
        entries = self.client.get(f"{self._history}/timeline")["entries"]
        return entries[-1]["id"] if entries else None

    def _follower(self) -> Follower:
        return Follower(self.client, self.run["id"], lost=tell_lost, after_seq=self._seq)

    def _take(self, event: Event) -> None:
        self._seq = event["seq"]
        self.progress.take(event, clock.now_ms() / 1000)
        self.pause = event if event["type"] == "execution_paused" else None
        if self.progress.state in EXITS:
            self.end = event
