"""What a run must do when people command it: a model without engine, worker or database.

A run is a line of moments: a stage run that starts, or whose failure takes effect. Between them it
can stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Moment(NamedTuple):
    """A stage run that starts, or whose failure takes effect. `acts`: it is under the test's eye
    while it runs, as owners are not."""

    stage_id: str
    path: tuple[int, ...] = ()
    is_failure: bool = False
    acts: bool = True


def left_over(moments: list[Moment], taken: set[tuple[str, tuple[int, ...]]]) -> list[Moment]:
    """What is to come in a replay that takes over these stage runs: it has them before anything
    starts. An owner comes before all that can be taken over, which so has it go on unasked."""
    return [
        moment
        for moment in moments
        if (moment.stage_id, moment.path) not in taken and (moment.acts or not taken)
    ]


class Refused(Exception):
    """The state does not allow the command."""


@dataclass
class Model:
    """A run as it must be. `end` is the status that it has once all moments are over."""

    moments: list[Moment]
    end: str
    status: str = "pending"
    asked: str | None = None  #: what `runs.control` says, without its place
    at: int = 0  #: the moment that comes next
    passed: int | None = None  #: the one that it was resumed from
    begun: set[int] = field(default_factory=set)  #: those that a lost worker had begun
    breakpoints: dict[tuple[str | None, bool], str | None] = field(default_factory=dict)
    pauses: list[tuple] = field(default_factory=list)
    losses: int = 0  #: workers lost since a stage finished
    has_begun: bool = False  #: whether a worker ever took it

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in ("completed", "failed", "cancelled")

    @property
    def mode(self) -> str:
        """What it was last asked for, or what it does."""
        if self.is_final or self.asked == "stop":
            return "stopped"
        if self.status == "paused" or self.asked in ("pause", "entry"):
            return "paused"
        return "stepping" if self.asked in ("step", "stepping") else "running"

    @property
    def standing(self) -> tuple[str | None, list[int]]:
        """Before which stage and iteration it stands."""
        if self.status != "paused" or not self._is_before_a_stage:
            return None, []
        moment = self.moments[self.at]
        return moment.stage_id, list(moment.path)

    @property
    def _is_before_a_stage(self) -> bool:
        """Whether it knows before which one it stands: a replay that has not begun has not taken
        over yet what leads to its end."""
        return self.has_begun or (bool(self.moments) and not self.moments[0].is_failure)

    # Commands.

    def pause(self) -> None:
        if self.is_final or self.status == "paused" or self.asked == "stop":
            raise Refused
        if self.status == "running":
            self.asked = "entry" if self.asked == "entry" else "pause"
        elif self.asked in ("resume", "step") or not self.has_begun:
            self._stand("pause")
        else:
            self._let_failures_take_effect()
            if not self._is_over():
                self._stand("pause")

    def resume(self) -> None:
        if self.is_final or self.asked == "stop":
            raise Refused
        if self.status == "paused":
            self._go_on("resume")
        elif self.asked not in ("pause", "entry", "step", "stepping"):
            raise Refused
        else:
            self.asked = "resume" if self.asked == "step" else "passed"

    def step(self) -> None:
        if self.status != "paused":
            raise Refused
        self._go_on("step")

    def stop(self) -> None:
        if self.is_final:
            raise Refused
        self.asked = "stop"
        if self.status != "running":
            self.status = "cancelled"

    def set_breakpoint(self, stage_id: str | None, condition: str | None, on_error: bool) -> None:
        if self.is_final:
            raise Refused
        self.breakpoints.pop((stage_id, on_error), None)
        self.breakpoints[stage_id, on_error] = condition

    def clear_breakpoint(self, stage_id: str | None) -> None:
        if self.is_final:
            raise Refused
        for kind in list(self.breakpoints):
            if stage_id in (None, kind[0]):
                del self.breakpoints[kind]

    def _go_on(self, asked: str) -> None:
        self.status, self.asked = "pending", asked
        self.passed = self.at if self._is_before_a_stage else None

    # What a worker does. It yields while a stage is under way.

    def claimed(self) -> None:
        """A worker has taken it."""
        self.status, self.has_begun = "running", True
        self.asked = {"resume": "passed", "step": "stepping"}.get(self.asked or "", self.asked)

    def lost(self) -> None:
        """The worker that had it is gone, and another one may take it."""
        self.losses += 1
        self.status = "pending"
        if self.asked == "stop":
            self.status = "cancelled"

    def advance(self):
        """Goes on from moment to moment; gives each stage that is under way."""
        goal = self.at
        if goal == 0 and self.passed is None:
            # A stop comes too late for a replay that takes over all that leads to its end.
            self._let_failures_take_effect()
            if self._is_over():
                return
        while True:
            if self.asked == "stop":
                self.status = "cancelled"
                return
            self._let_failures_take_effect()
            if self._is_over():
                return
            reason = self._halts(goal)
            if reason is not None:
                return self._stand(reason)
            moment = self.moments[self.at]
            if moment.acts and not moment.is_failure:
                yield moment
                if self.status != "running":
                    self.begun.add(self.at)
                    return
            self.losses = 0 if moment.acts else self.losses
            self.at += 1

    def _let_failures_take_effect(self) -> None:
        while self.at < len(self.moments) and self.moments[self.at].is_failure:
            if self._is_held_back(self.moments[self.at]):
                return
            self.at += 1

    def _is_held_back(self, moment: Moment) -> bool:
        stopped = any((stage_id, True) in self.breakpoints for stage_id in (None, moment.stage_id))
        return stopped and self.passed != self.at

    def _halts(self, goal: int) -> str | None:
        moment = self.moments[self.at]
        if moment.is_failure:
            return "error"
        if self.at in self.begun:
            return None  # what was under way goes on, whatever was asked
        if self.asked in ("pause", "entry"):
            return self.asked
        if self.asked == "stepping":
            return None if self.at == goal == self.passed else "step"
        return "breakpoint" if self._is_hit(moment) else None

    def _is_hit(self, moment: Moment) -> bool:
        kind = (moment.stage_id, False)
        if kind not in self.breakpoints or self.at == self.passed or self.at in self.begun:
            return False
        condition = self.breakpoints[kind]
        if condition == "item == 1":
            return moment.path in ((), (1,))  # outside of the loop it cannot be evaluated
        return condition != "false"

    def _is_over(self) -> bool:
        if self.at == len(self.moments):
            self.status = self.end
        return self.is_final

    def _stand(self, reason: str) -> None:
        self.status, self.asked = "paused", None
        stage_id, path = self.standing
        self.pauses.append((stage_id, tuple(path), reason))
