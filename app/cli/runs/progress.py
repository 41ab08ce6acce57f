"""How far a run is: what its events so far amount to, stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.cli.runs.following import FINAL, Event
from app.cli.runs.shape import Shape
from app.core import clock

Key = tuple[int, ...]
Error = dict[str, Any] | None

_ENDS = {"stage_completed": "completed", "stage_failed": "failed", "stage_skipped": "skipped"}


@dataclass
class StageProgress:
    """One stage; of a body's stage all its iterations together.

    `running` are the iterations on their way, with the time of their start in Unix seconds;
    `results` says of each other one how its last round ended, `ended` counts these, `failures` is
    what those that failed died of. `depth` counts the owners around it, `expected` the iterations
    that there will be, 0 when nobody knows. `spent_ms` is what all took, `touched` when something
    last happened to it or inside it, in events.
    """

    stage_id: str
    depth: int = 0
    expected: int = 0
    running: dict[Key, float] = field(default_factory=dict)
    results: dict[Key, str] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)
    failures: dict[Key, Error] = field(default_factory=dict)
    attempt: int = 1
    round: int = 0
    spent_ms: int = 0
    touched: int = 0

    @property
    def state(self) -> str:
        """What to say of it as a whole: the most urgent of its iterations."""
        if self.running:
            return "running"
        for state in ("failed", "cancelled", "completed", "skipped"):
            if self.ended[state]:
                return state
        return "pending"

    @property
    def times(self) -> int:
        """How many iterations ended."""
        return len(self.results)

    def milliseconds(self, now: float) -> int | None:
        """What it took so far, `now` in Unix seconds; None before its start."""
        going = sum(max(0.0, now - began) for began in self.running.values())
        took = self.spent_ms + round(going * 1000)
        return took if self.running or self.times else None

    def begin(self, key: Key, event: Event, at: float) -> None:
        """An attempt of an iteration starts; what its round before left behind is past."""
        self.running.setdefault(key, at)
        self.attempt, self.round = event["attempt"], event["round"]
        self._forget(key)

    def end(self, key: Key, event: Event, state: str) -> None:
        """An iteration ends, for good or until its next round."""
        self.running.pop(key, None)
        self._forget(key)
        self.results[key] = state
        self.ended[state] += 1
        self.round = event["round"]
        self.spent_ms += event.get("duration_ms") or 0
        if state == "failed":
            self.failures[key] = event.get("error")

    def cancel(self) -> None:
        """Whatever is on its way ends with the run."""
        self.results |= dict.fromkeys(self.running, "cancelled")
        self.ended["cancelled"] += len(self.running)
        self.running.clear()

    def _forget(self, key: Key) -> None:
        if before := self.results.pop(key, None):
            self.ended[before] -= 1
        self.failures.pop(key, None)


class RunProgress:
    """The fold of a run's events; `take` them in order. `shape` is that of its pipeline."""

    def __init__(self, shape: Shape) -> None:
        self.state = "pending"
        self.stages: dict[str, StageProgress] = {}
        self._shape = shape
        self._began: float | None = None
        self._took_ms: int | None = None

    @property
    def done(self) -> int:
        """How many stages have nothing on its way and something behind them."""
        return sum(stage.state not in ("pending", "running") for stage in self.stages.values())

    def seconds(self, now: float) -> float:
        """How long the run is on its way, or was; `now` in Unix seconds."""
        if self._took_ms is not None:
            return self._took_ms / 1000
        return 0.0 if self._began is None else max(0.0, now - self._began)

    def expect(self, names: Sequence[str]) -> None:
        """The stages that there will be, in the order of the document."""
        owners, times = self._shape.owners, self._shape.times
        for name, depth in _tree(list(dict.fromkeys(names)), owners):
            self.stages[name] = StageProgress(name, depth, times.get(owners.get(name, ""), 0))

    def take(self, event: Event, now: float) -> None:
        """One more event, heard at `now`, Unix seconds."""
        match event["type"]:
            case "run_started":
                self._start(event, now)
            case "execution_paused":
                self.state = "paused"
            case "execution_resumed":
                self.state = "running"
            case kind if kind in FINAL:
                self._end(event)
            case _ if "stage_id" in event:
                self._stage(event, now)

    def _start(self, event: Event, now: float) -> None:
        self.state, self._began = "running", _time(event, now)
        self.stages.clear()
        self.expect(event["stage_ids"])

    def _stage(self, event: Event, now: float) -> None:
        stage = self._touched(event)
        key = tuple(event["iteration_path"])
        if event["type"] == "stage_started":
            stage.begin(key, event, _time(event, now))
        elif state := _ENDS.get(event["type"]):
            stage.end(key, event, state)

    def _touched(self, event: Event) -> StageProgress:
        """The stage of an event; it and those around it are what happened last."""
        name: str | None = event["stage_id"]
        stage = self.stages.setdefault(event["stage_id"], StageProgress(event["stage_id"]))
        while name in self.stages:
            self.stages[name].touched = event["seq"]
            name = self._shape.owners.get(name)
        return stage

    def _end(self, event: Event) -> None:
        """The last event ends whatever was on its way."""
        self.state, self._took_ms = event["status"], event["duration_ms"]
        for stage in self.stages.values():
            stage.cancel()


def _time(event: Event, now: float) -> float:
    """When it happened; not after `now`, whatever the clock of Studio says."""
    told = event.get("timestamp")
    return min(now, clock.parse(told).timestamp()) if told else now


def _tree(names: list[str], owners: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """All stages with the number of owners around them, what an owner runs after it."""
    inside: dict[str | None, list[str]] = {}
    for name in names:
        inside.setdefault(owners.get(name), []).append(name)
    left = [(name, 0) for name in reversed(inside.get(None, []))]
    while left:
        name, depth = left.pop()
        yield name, depth
        left += [(child, depth + 1) for child in reversed(inside.get(name, []))]


def chosen(progress: RunProgress, at_most: int) -> Iterator[StageProgress]:
    """As many stages as there is room for, in their order: first those that run or failed, then
    those to which something happened last. An owner goes before what it runs."""
    urgency = {"running": 0, "failed": 0, "pending": 2}
    ranked = sorted(
        progress.stages.values(),
        key=lambda stage: (urgency.get(stage.state, 1), -stage.touched),
    )
    shown = {stage.stage_id for stage in ranked[:at_most]}
    return (stage for stage in progress.stages.values() if stage.stage_id in shown)
