"""How stages and bodies end, and what is claimed of every stage run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.engine.reference.language.values import ANYTHING, UNSURE

RETRYABLE = {"CONNECTIVITY", "TIMEOUT"}


class Key(NamedTuple):
    """One stage run."""

    stage_id: str
    path: tuple[int, ...]
    round: int


@dataclass(frozen=True)
class Error:
    """What failed. Its message and details are the engine's own."""

    type: str
    stage_id: str
    retryable: bool
    cause: Error | None = None
    index: int | None = None  #: the iteration that a loop failed in

    def value(self) -> dict[str, Any]:
        """The error as pipelines see it."""
        return {
            "type": self.type,
            "message": ANYTHING,
            "stage_id": self.stage_id,
            "retryable": self.retryable,
            "details": ANYTHING,
        }

    def types(self) -> set[str]:
        """Its type and its cause's type."""
        return {self.type} | ({self.cause.type} if self.cause else set())


def error_of(type: str, stage_id: str) -> Error:
    return Error(type, stage_id, type in RETRYABLE)


@dataclass(frozen=True)
class Write:
    """A variable written. `in_loop`: it is gone after the iteration."""

    name: str
    value: Any
    in_loop: bool = False

    def doubted(self) -> Write:
        """The same, when nobody can say whether it happened."""
        return replace(self, value=UNSURE)


def after(variables: dict[str, Any], writes: Iterable[Write]) -> dict[str, Any]:
    """The variables with these writes, one after the other."""
    return {**variables, **{write.name: write.value for write in writes}}


@dataclass(frozen=True)
class Stop:
    """Why nothing more of a body starts: failed, broken, continued or returned."""

    kind: str
    error: Error | None = None
    value: Any = None


@dataclass
class StageEnd:
    """How a stage ended, and what that means for others."""

    status: str
    output: Any = None
    error: Error | None = None
    writes: list[Write] = field(default_factory=list)
    stop: Stop | None = None

    def seen(self) -> Any:
        """What `upstream` gives."""
        if self.status == "failed":
            assert self.error is not None
            return {"error": self.error.value()}
        return self.output


@dataclass
class BodyEnd:
    """How a body ended. `blocked`: its stages that cannot have started. `trace` is what the
    interpreter noted of it."""

    stop: Stop | None
    ends: dict[str, StageEnd]
    writes: list[Write]
    blocked: list[Key]
    trace: Any = None

    @property
    def failed(self) -> bool:
        return self.stop is not None and self.stop.kind == "failed"

    @property
    def left(self) -> bool:
        """Something larger than this body ended with it."""
        return self.stop is not None and self.stop.kind != "failed"

    def last_completed(self, listed: list[str]) -> Any:
        """The output of the last listed stage that completed."""
        for id in reversed(listed):
            if id in self.ends and self.ends[id].status == "completed":
                return self.ends[id].output
        return None


@dataclass
class Claim:
    """What must be true of one stage run.

    `sure`: it ran, or was skipped for all to see. `whole`: it was not cancelled on the way.
    """

    status: str
    output: Any = None
    error: Error | None = None
    reasons: frozenset[str] = frozenset()
    sure: bool = True
    whole: bool = True
