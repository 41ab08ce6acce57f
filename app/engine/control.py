"""What people ask of a live run: to halt, to go on, to go one stage further; and breakpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.engine.expressions import Expression
from app.engine.instance import Place


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """Where a run pauses (contract 05, Breakpoints).

    `before`: stage id -> condition, None for always. `on_error`: stages before whose failure it
    pauses; `on_any_error`: before that of every stage.
    """

    before: Mapping[str, Expression | None] = field(default_factory=dict)
    on_error: frozenset[str] = frozenset()
    on_any_error: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """All that a coordinator has to obey beside stopping.

    `hold`: nothing starts any more, and why the run then pauses (pause or entry). `only`: of all
    places this one goes on and nothing else, then the run pauses (reason step). `passed`: the
    place at which the run stood when it was resumed, whose breakpoint is not hit again.
    """

    hold: str | None = None
    only: Place | None = None
    passed: Place | None = None
    breakpoints: Breakpoints = Breakpoints()


GO_ON = Control()
