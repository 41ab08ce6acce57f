"""What owners share about the ends of their bodies."""

from __future__ import annotations

from typing import Any

from tests.engine.reference.attempts import Attempt
from tests.engine.reference.facts import BodyEnd, Error, StageEnd, Stop, Write
from tests.engine.reference.language.values import ANYTHING, Undetermined
from tests.engine.reference.layout import Body

Config = dict[str, Any]


def left(stop: Stop | None, writes: list[Write]) -> StageEnd:
    """An owner inside of which something ended more than a body."""
    return StageEnd("completed", ANYTHING, stop=stop, writes=writes)


def failed_with(end: BodyEnd) -> Error:
    """The error that a body failed with."""
    assert end.stop is not None and end.stop.error is not None
    return end.stop.error


def only(attempt: Attempt, ends: list[BodyEnd], stopping: list[BodyEnd]) -> BodyEnd:
    """The one body of several at once that stops its owner; the others are left where they are."""
    if len(stopping) > 1:
        raise Undetermined("which of two bodies stops their owner first")
    for end in ends:
        if end is not stopping[0]:
            attempt.run.doubt(end.trace, may_be_cancelled=True)
    return stopping[0]


def task_result(end: BodyEnd, body: Body) -> Any:
    """The last listed stage's output; what that is when it did not complete is left open."""
    last = end.ends[body.listed[-1]]
    return last.output if last.status == "completed" else ANYTHING
