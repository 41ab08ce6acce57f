"""parallel: several bodies at once (contract 02)."""

from __future__ import annotations

from typing import Any

from app.core.errors import RunError, StageError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Field, Kind
from app.engine.instance import Result
from app.engine.owner import Alarm, BodyField, Cancel, Done, Fail, Move, Open, Owner
from app.engine.owners.shapes import TASKS, error_view, milliseconds, result_or_error


class Parallel(Owner):
    """Opens all tasks; ends with the last of them, the first failure or the first success.

    Results are held as references, by the place of their task, and read when the output is built.
    """

    type = "parallel"
    fields = {
        "tasks": TASKS,
        "timeout": Field(Kind.NUMBER, low=0.1, high=3600, description="Seconds for all of them"),
        "on_error": Field(Kind.STRING, default="fail_fast", choices=("fail_fast", "continue")),
        "wait_for_all": Field(
            Kind.BOOLEAN, default=True, description="false: done at the first success"
        ),
        "return_exceptions": Field(Kind.BOOLEAN, default=False),
    }
    outputs = {
        "results": Field(Kind.ARRAY, required=True, description="In task order"),
        "success_count": Field(Kind.INTEGER, required=True, low=0),
        "error_count": Field(Kind.INTEGER, required=True, low=0),
        "total_count": Field(Kind.INTEGER, required=True, low=0),
        "errors": Field(
            Kind.ARRAY,
            items=Field(Kind.OBJECT),
            description="task (its place), type, message and stage_id of each failure",
        ),
        "execution_time": Field(Kind.NUMBER, required=True, low=0, description="Seconds"),
    }
    about = About(
        name="Parallel",
        description="Runs several groups of stages at once.",
        category=Category.COMPOSITION,
        icon="columns-3",
        color="#6366f1",
        tags=("parallel", "race"),
        examples=(
            Example(
                config={"tasks": ["prices", ["stock", "reserve"]]},
                output={
                    "results": [{"eur": 12}, {"reserved": 3}],
                    "success_count": 2,
                    "error_count": 0,
                    "total_count": 2,
                    "errors": None,
                    "execution_time": 0.31,
                },
            ),
        ),
    )
    body_fields = (BodyField("tasks"),)

    def start(self) -> list[Move]:
        """All tasks at once."""
        self.results: dict[int, Result] = {}
        self.took_ms = 0
        places = range(len(self.inputs.tasks))
        if not places:
            return [Done(self._output)]
        moves: list[Move] = []
        if self.inputs.timeout is not None:
            moves.append(Alarm("late", milliseconds(self.inputs.timeout)))
        return moves + [Open(f"tasks.{i}", tag=i, sees_earlier=False) for i in places]

    def body_done(self, tag: Any, result: Result) -> list[Move]:
        """A task ended."""
        self.results[tag] = result
        if result.failed and self.inputs.on_error == "fail_fast":
            return [Fail(result.error)]
        first_success = not result.failed and not self.inputs.wait_for_all
        if first_success or len(self.results) == len(self.inputs.tasks):
            return [self._done()]
        return []

    def alarm(self, tag: Any) -> list[Move]:
        """The time is up for all that still run."""
        message = f"The tasks did not end within {self.inputs.timeout:g} s."
        error = StageError("TIMEOUT", message).at(self.stage_id)
        if self.inputs.on_error == "fail_fast":
            return [Fail(error)]
        late = [i for i in range(len(self.inputs.tasks)) if i not in self.results]
        self.results |= {i: Result(StageStatus.FAILED, error=error) for i in late}
        return [*map(Cancel, late), self._done()]

    def _done(self) -> Done:
        self.took_ms = self.elapsed_ms
        return Done(self._output)

    def _output(self) -> dict[str, JSON]:
        failed = {i: one.error for i, one in sorted(self.results.items()) if one.failed}
        return {
            "results": [self._shown(i) for i in range(len(self.inputs.tasks))],
            "success_count": len(self.results) - len(failed),
            "error_count": len(failed),
            "total_count": len(self.inputs.tasks),
            "errors": [_told(i, error) for i, error in failed.items()] or None,
            "execution_time": self.took_ms / 1000,
        }

    def _shown(self, place: int) -> JSON:
        result = self.results.get(place)
        if result is None or (result.failed and not self.inputs.return_exceptions):
            return None
        return result_or_error(result)


def _told(place: int, error: RunError | None) -> JSON:
    return {"task": place, **error_view(error)}
