"""retry: the whole body again while it fails (contract 02)."""

from __future__ import annotations

from typing import Any

from app.core.errors import RunError, retry_exhausted
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Field, Kind
from app.engine.instance import Result
from app.engine.owner import BodyField, Done, Fail, Move, Open, Owner
from app.engine.owners.shapes import ERROR_TYPE_LIST, TASK, milliseconds


class Retry(Owner):
    """Runs its task until it completes or the retries are used up; each run is a round."""

    type = "retry"
    fields = {
        "task": TASK,
        "max_retries": Field(Kind.INTEGER, default=3, low=0, high=10),
        "initial_delay": Field(Kind.NUMBER, default=1.0, low=0, high=3600),
        "backoff_multiplier": Field(Kind.NUMBER, default=2.0, low=1, high=100),
        "max_delay": Field(Kind.NUMBER, default=30.0, low=0, high=3600),
        "retry_on": ERROR_TYPE_LIST,
    }
    outputs = {
        "success": Field(Kind.BOOLEAN, required=True),
        "result": Field(Kind.ANY, required=True, description="The last listed stage's output"),
        "attempts": Field(Kind.INTEGER, required=True, low=1),
        "errors": Field(
            Kind.ARRAY,
            required=True,
            items=Field(Kind.STRING),
            description="What the failed runs of the task said",
        ),
        "exhausted": Field(Kind.BOOLEAN, required=True),
    }
    about = About(
        name="Retry",
        description="Runs stages again while they fail.",
        category=Category.RELIABILITY,
        icon="refresh-cw",
        color="#ef4444",
        tags=("retry", "backoff"),
        examples=(
            Example(
                config={"task": ["call", "check"], "max_retries": 2},
                output={
                    "success": True,
                    "result": {"ok": True},
                    "attempts": 2,
                    "errors": ["The server did not answer."],
                    "exhausted": False,
                },
            ),
        ),
    )
    body_fields = (BodyField("task", repeatable=True),)

    def start(self) -> list[Move]:
        """The first run of the task."""
        self.errors: list[RunError] = []
        return [Open("task", tag=1)]

    def body_done(self, tag: Any, result: Result) -> list[Move]:
        """The task completed, or failed and is run again, or has failed for good."""
        if not result.failed:
            return [Done(lambda: self._output(result, attempts=tag))]
        assert result.error is not None
        self.errors.append(result.error)
        if not self._covers(result.error):
            return [Fail(result.error)]
        if tag > self.inputs.max_retries:
            return [Fail(self._exhausted(result.error))]
        return [Open("task", tag=tag + 1, after_ms=self._delay_ms(tag))]

    def _covers(self, error: RunError) -> bool:
        return not self.inputs.retry_on or error.type in self.inputs.retry_on

    def _delay_ms(self, failures: int) -> int:
        delay = self.inputs.initial_delay * self.inputs.backoff_multiplier ** (failures - 1)
        return milliseconds(min(self.inputs.max_delay, delay))

    def _exhausted(self, cause: RunError) -> RunError:
        errors = [error.message for error in self.errors]
        return retry_exhausted(self.stage_id, len(errors), "runs of the task", cause, errors=errors)

    def _output(self, result: Result, attempts: int) -> dict[str, JSON]:
        return {
            "success": True,
            "result": result.output,
            "attempts": attempts,
            "errors": [error.message for error in self.errors],
            "exhausted": False,
        }
