"""timeout: a body that must end in time, or its fallback (contract 02)."""

from __future__ import annotations

from typing import Any

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Field, Kind
from app.engine.instance import Result
from app.engine.owner import Alarm, BodyField, Cancel, Done, Fail, Move, Open, Owner
from app.engine.owners.shapes import FALLBACK_TASK, TASK, milliseconds


class Timeout(Owner):
    """Cancels its task when the time is up; then the fallback runs, if there is one."""

    type = "timeout"
    fields = {
        "task": TASK,
        "timeout": Field(Kind.NUMBER, required=True, low=0.1, high=3600, description="Seconds"),
        "fallback_task": FALLBACK_TASK,
        "warn_at": Field(
            Kind.NUMBER, default=80.0, low=0, high=100, description="Percent of the time"
        ),
        "raise_on_timeout": Field(Kind.BOOLEAN, default=True),
    }
    outputs = {
        "success": Field(Kind.BOOLEAN, required=True),
        "timed_out": Field(Kind.BOOLEAN, required=True),
        "elapsed": Field(
            Kind.NUMBER, required=True, low=0, description="Seconds that the task was given or took"
        ),
        "timeout_value": Field(Kind.NUMBER, required=True, description="Seconds"),
        "result": Field(Kind.ANY, required=True, description="Of the task, or of its fallback"),
        "warning": Field(
            Kind.BOOLEAN, required=True, description="It took warn_at percent or more"
        ),
        "percent_elapsed": Field(Kind.NUMBER, required=True, low=0),
    }
    about = About(
        name="Timeout",
        description="Bounds the time that stages take together.",
        category=Category.RELIABILITY,
        icon="timer",
        color="#ef4444",
        tags=("timeout", "fallback"),
        examples=(
            Example(
                config={"task": "slow", "timeout": 5, "fallback_task": "cached"},
                output={
                    "success": True,
                    "timed_out": True,
                    "elapsed": 5.0,
                    "timeout_value": 5,
                    "result": {"source": "cache"},
                    "warning": True,
                    "percent_elapsed": 100.0,
                },
            ),
        ),
    )
    body_fields = (BodyField("task"), BodyField("fallback_task"))

    def start(self) -> list[Move]:
        """The task, and the time at which it must have ended."""
        self.took_ms: int | None = None
        return [Open("task", tag="task"), Alarm("late", milliseconds(self.inputs.timeout))]

    def alarm(self, tag: Any) -> list[Move]:
        """The time is up."""
        if self.took_ms is not None:
            return []
        self.took_ms = self.elapsed_ms
        if self.inputs.fallback_task:
            return [Cancel("task"), Open("fallback_task", tag="fallback")]
        if self.inputs.raise_on_timeout:
            message = f"The task did not end within {self.inputs.timeout:g} s."
            return [Fail(StageError("TIMEOUT", message).at(self.stage_id))]
        return [Done(lambda: self._output(None, timed_out=True))]

    def body_done(self, tag: Any, result: Result) -> list[Move]:
        """The task ended in time, or its fallback ended."""
        if result.failed:
            return [Fail(result.error)]
        if self.took_ms is None:
            self.took_ms = self.elapsed_ms
        return [Done(lambda: self._output(result, timed_out=tag == "fallback"))]

    def _output(self, result: Result | None, timed_out: bool) -> dict[str, JSON]:
        assert self.took_ms is not None
        limit, elapsed = self.inputs.timeout, self.took_ms / 1000
        percent = round(100 * elapsed / limit, 1)
        return {
            "success": result is not None,
            "timed_out": timed_out,
            "elapsed": elapsed,
            "timeout_value": limit,
            "result": None if result is None else result.output,
            "warning": percent >= self.inputs.warn_at,
            "percent_elapsed": percent,
        }
