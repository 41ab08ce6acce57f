"""How far a run is: what its events so far amount to, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.cli.runs.following import FINAL, Event

Key = tuple[int, ...]

_ENDS = {"stage_completed": "completed", "stage_failed": "failed", "stage_skipped": "skipped"}


@dataclass
class StageProgress:
    """One stage; of a body's stage all its iterations and rounds together.

    `running` are the iterations on their way, with the time of their start; `ended` counts the
    others by how they ended. `spent_ms` is what they took, `touched` when something last happened
    to it, in events.
    """

    stage_id: str
    running: dict[Key, float] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    spent_ms: int = 0
    touched: int = 0

    @property
    def state(self) -> str:
        """What to say of it as a whole: the most urgent of its iterations."""
        if self.running:
            return "running"
        for state in ("failed", "cancelled", "completed", "skipped"):
            if self.ended.get(state):
                return state
        return "pending"

    @property
    def times(self) -> int:
        """How many iterations and rounds ended."""
        return sum(self.ended.values())

    def milliseconds(self, now: float) -> int | None:
        """What it took so far, `now` in monotonic seconds; None before its start."""
        going = sum(now - began for began in self.running.values())
        took = self.spent_ms + round(going * 1000)
        return took if self.running or self.times else None


class RunProgress:
    """The fold of a run's events; `take` them in order."""

    def __init__(self) -> None:
        self.state = "pending"
        self.stages: dict[str, StageProgress] = {}

    @property
    def done(self) -> int:
        """How many stages have nothing on its way and something behind them."""
        return sum(stage.state not in ("pending", "running") for stage in self.stages.values())

    def take(self, event: Event, now: float) -> None:
        """One more event, heard at `now`, monotonic seconds."""
        match event["type"]:
            case "run_started":
                self.state = "running"
                self.stages = {name: StageProgress(name) for name in event["stage_ids"]}
            case "execution_paused":
                self.state = "paused"
            case "execution_resumed":
                self.state = "running"
            case kind if kind in FINAL:
                self._end(event["status"])
            case _ if "stage_id" in event:
                self._stage(event, now)

    def _stage(self, event: Event, now: float) -> None:
        name = event["stage_id"]
        stage = self.stages.setdefault(name, StageProgress(name))
        stage.touched = event["seq"]
        key = tuple(event["iteration_path"])
        if event["type"] == "stage_started":
            stage.running.setdefault(key, now)
        elif state := _ENDS.get(event["type"]):
            stage.running.pop(key, None)
            stage.ended[state] = stage.ended.get(state, 0) + 1
            stage.spent_ms += event.get("duration_ms") or 0

    def _end(self, status: str) -> None:
        """The last event ends whatever was on its way."""
        self.state = status
        for stage in self.stages.values():
            if stage.running:
                stage.ended["cancelled"] = len(stage.running)
                stage.running.clear()


def chosen(progress: RunProgress, at_most: int) -> Iterator[StageProgress]:
    """As many stages as there is room for, in document order: first those that run or failed,
    then those to which something happened last."""
    urgency: dict[str, Any] = {"running": 0, "failed": 0, "pending": 2}
    ranked = sorted(
        progress.stages.values(),
        key=lambda stage: (urgency.get(stage.state, 1), -stage.touched),
    )
    shown = {stage.stage_id for stage in ranked[:at_most]}
    return (stage for stage in progress.stages.values() if stage.stage_id in shown)
