"""Owners run other stages: told facts in order, they answer with moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from app.core.wire import JSON
from app.engine.component import Component, Effect
from app.engine.instance import Result


@dataclass(frozen=True, slots=True)
class BodyField:
    """A field of an owner that names the stages of a body (contract 01, Ownership).

    `repeatable`: each opening is a new round. `loop`: item and index exist inside, and break_loop
    and continue_loop act on it. `error`: the root `error` exists inside. `tells_rest`: what a
    failure inside keeps from starting is skipped as `not_reached`.
    """

    field: str
    repeatable: bool = False
    loop: bool = False
    error: bool = False
    tells_rest: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """Open a body. `tag` names this opening among the owner's; `index` extends the iteration path.

    `names` are added to `context` inside. `after_ms` delays the opening. `error` is the root
    `error` of a body that has one. `sees_earlier`: the variables that earlier openings of this
    owner wrote are visible inside; not so in parallel ones.
    """

    body: str
    tag: Any
    index: int | None = None
    names: Mapping[str, JSON] = field(default_factory=dict)
    after_ms: int = 0
    error: JSON = None
    sees_earlier: bool = True


@dataclass(frozen=True, slots=True)
class Cancel:
    """Abandon the opening `tag`: nothing of it may write any more."""

    tag: Any


@dataclass(frozen=True, slots=True)
class Skip:
    """Say that a body is not reached: its stages are skipped."""

    body: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Ask to be called at `alarm(tag)` after `after_ms`."""

    tag: Any
    after_ms: int


@dataclass(frozen=True, slots=True)
class Done:
    """The owner completed; whatever is still open is cancelled.

    An output given as what makes it is made only when it is wanted: not when a finished owner is
    rebuilt, whose output is stored.
    """

    output: dict[str, JSON] | Callable[[], dict[str, JSON]]


@dataclass(frozen=True, slots=True)
class Fail:
    """The owner failed; whatever is still open is cancelled."""

    error: Any  #: RunError


Move = Open | Cancel | Skip | Alarm | Done | Fail


class Owner(Component):
    """Runs other stages. Told facts in order, answers with moves.

    Never waits, reads no clock, does no I/O. One object per owner run: the coordinator makes it as
    `OwnerClass(stage_id, inputs, evaluate, limits)`; `evaluate(expression_text, names)` gives the
    value of an expression with extra root names, and raises StageError. `elapsed_ms` is the time
    from its beginning to the fact that it is being told.
    """

    effect = Effect.OWNER
    timeout_ms = None
    body_fields: ClassVar[tuple[BodyField, ...]] = ()
    elapsed_ms: int = 0

    def __init__(
        self, stage_id: str = "", inputs: Any = None, evaluate: Any = None, limits: Any = None
    ) -> None:
        self.stage_id = stage_id
        self.inputs = inputs
        self.evaluate = evaluate
        self.limits = limits

    def start(self) -> list[Move]:
        """The first moves; `self.inputs` are resolved. May raise StageError."""
        raise NotImplementedError

    def body_done(self, tag: Any, result: Result) -> list[Move]:
        """A body that it opened has ended. For a completed body `result.output` is the output of
        the last listed stage of the body that completed, else None."""
        raise NotImplementedError

    def alarm(self, tag: Any) -> list[Move]:
        """A time that it asked for has come."""
        return []
