"""A world whose runs people halt: the pauses that there were, and commands in the middle of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from app.engine.control import GO_ON, NOWHERE, Breakpoints, Control, Pause
from app.engine.coordinator import Coordinator
from app.engine.expressions import compile_expression
from app.engine.instance import Key, Outcome, Parked, Paused, Place
from tests.engine.coordinator.world import World, plan_of

PAUSE_MS = 40_000  #: how long people think


@dataclass
class HaltedWorld(World):
    """`asked` is what people ask for while the run goes on: after so many waits, this."""

    control: Control = GO_ON
    pauses: list[Pause] = field(default_factory=list)
    asked: dict[int, Control] = field(default_factory=dict)
    waits: int = 0

    def fresh(self) -> Coordinator:
        coordinator = super().fresh()
        coordinator.obey(self.control)
        return coordinator

    def rebuilt(self) -> Coordinator:
        if not self.rows and not self.pauses:
            return self.fresh()
        finished = [self._instance(id) for id in self.ended]
        unfinished = [self._instance(id) for id in self.rows.keys() - set(self.ended)]
        coordinator = Coordinator.rebuild(
            self.plan,
            self.run_facts(),
            self,
            self.new_id,
            finished,
            unfinished,
            self.now,
            self.pauses,
            self.control.breakpoints,
            self.doubles,
        )
        coordinator.obey(self.control)
        return coordinator

    def _wait(self, coordinator: Coordinator, pool: Any) -> None:
        self.waits += 1
        asked = self.asked.pop(self.waits, None)
        if asked is None:
            return super()._wait(coordinator, pool)
        self.control = asked
        coordinator.obey(asked)

    def go(self, control: Control | None = None, stop_after: int | None = None) -> Outcome | None:
        """Another worker goes on under this control, until the run ends or is paused."""
        self.control = self.control if control is None else control
        outcome: Outcome | None = Parked(self.now)
        while isinstance(outcome, Parked):
            assert outcome.wake_at is not None
            self.now = max(self.now, outcome.wake_at)
            outcome = self.drive(self.rebuilt(), stop_after)
        return outcome

    def think(self, took_ms: int = PAUSE_MS) -> None:
        """The run is paused; time passes until the next command."""
        self.pauses.append(Pause(len(self.ended), self.now, self.now + took_ms))
        self.now += took_ms

    def resume(self, paused: Outcome | None, stop_after: int | None = None) -> Outcome | None:
        """Goes on from the place where the run is paused; breakpoints stay."""
        assert isinstance(paused, Paused)
        self.think()
        passed = paused.before or NOWHERE
        breakpoints = self.control.breakpoints
        return self.go(Control(passed=passed, breakpoints=breakpoints), stop_after)

    def step(self, paused: Outcome | None, stop_after: int | None = None) -> Outcome | None:
        """Runs what the paused run stands before, and nothing else."""
        assert isinstance(paused, Paused)
        self.think()
        only = paused.before or NOWHERE
        breakpoints = self.control.breakpoints
        return self.go(Control(only=only, breakpoints=breakpoints), stop_after)

    def begun(self) -> list[str]:
        """What started or was skipped, in order."""
        return [id for type, id, _ in self.events if type in ("stage_started", "stage_skipped")]


def world_of(*stages: dict[str, Any], **document: Any) -> HaltedWorld:
    """A world for a document of these stages."""
    return HaltedWorld(plan_of(*stages, **document))


def before(stage_id: str, *path: int, round: int = 0, is_failure: bool = False) -> Place:
    """A place."""
    return Place(Key(stage_id, path, round), is_failure)


def at(*stage_ids: str, **conditions: str) -> Control:
    """A control that only has breakpoints, some of them conditional."""
    stops = {id: compile_expression(text, extra_roots=ROOTS) for id, text in conditions.items()}
    return Control(breakpoints=Breakpoints({**dict.fromkeys(stage_ids), **stops}))


def on_error(*stage_ids: str) -> Control:
    """A control that only has error breakpoints: at these stages, or at all."""
    return Control(breakpoints=Breakpoints({}, frozenset(stage_ids), not stage_ids))


def without(control: Control) -> Control:
    """The same control when all breakpoints are cleared."""
    return replace(control, breakpoints=Breakpoints())


ROOTS = frozenset({"item", "index"})
