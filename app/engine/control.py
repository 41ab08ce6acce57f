"""What people ask of a live run: to halt, to go on, to go one stage further; and breakpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.engine.expressions import Expression
from app.engine.instance import Key, Place


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """Where a run pauses (contract 05, Breakpoints).

    `before`: stage id -> condition, None for always. `on_error`: stages before whose failure it
    pauses; `on_any_error`: before that of every stage.
    """

    before: Mapping[str, Expression | None] = field(default_factory=dict)
    on_error: frozenset[str] = frozenset()
    on_any_error: bool = False

    def stop_failure(self, stage_id: str) -> bool:
        """Whether the run pauses before a failure of this stage takes effect."""
        return self.on_any_error or stage_id in self.on_error


NO_BREAKPOINTS = Breakpoints()


@dataclass(frozen=True, slots=True)
class Control:
    """All that a coordinator has to obey beside stopping.

    `hold`: nothing starts any more, and why the run then pauses (pause or entry). `only`: of all
    places this one goes on and nothing else, then the run pauses (reason step). `passed`: the
    place at which the run stood when it was resumed: it goes on first, and its breakpoint is not
    hit again. A run that stood before no stage is resumed and stepped from NOWHERE.
    """

    hold: str | None = None
    only: Place | None = None
    passed: Place | None = None
    breakpoints: Breakpoints = NO_BREAKPOINTS


GO_ON = Control()

#: The place of a run that waited for no stage: a step from here ends as soon as one is ready.
NOWHERE = Place(Key("", (), 0))


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that is over: from `since` to `until` (ms) the run stood still.

    `after` counts the stage runs whose final event came before it.
    """

    after: int
    since: int
    until: int
