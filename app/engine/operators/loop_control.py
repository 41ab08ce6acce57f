"""break_loop and continue_loop: an iteration, or the whole loop, ends early (contract 02)."""

from __future__ import annotations

from types import SimpleNamespace

from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext


class BreakLoop(Component):
    """Ends the innermost loop; what it is given becomes the iteration's result."""

    type = "break_loop"
    inline = True
    reads_back = True
    loop_control = "broken"
    fields = {
        "condition": Field(Kind.BOOLEAN, required=True),
        "result": Field(Kind.ANY),
        "message": Field(Kind.STRING),
    }
    outputs = {
        "broken": Field(Kind.BOOLEAN, required=True),
        "result": Field(Kind.ANY, required=True),
        "message": Field(Kind.STRING),
    }
    about = About(
        name="Break loop",
        description="Ends the loop around it when its condition is true.",
        category=Category.ITERATION,
        icon="circle-stop",
        color="#f59e0b",
        tags=("loop",),
        examples=(
            Example(
                config={"condition": True, "result": "found"},
                output={"broken": True, "result": "found", "message": None},
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """Whether the loop ends here."""
        return {
            "broken": inputs.condition,
            "result": inputs.result,
            "message": inputs.message,
        }


class ContinueLoop(Component):
    """Ends the innermost iteration; the loop goes on with the next item."""

    type = "continue_loop"
    inline = True
    reads_back = True
    loop_control = "continued"
    fields = {
        "condition": Field(Kind.BOOLEAN, required=True),
        "message": Field(Kind.STRING),
    }
    outputs = {
        "continued": Field(Kind.BOOLEAN, required=True),
        "message": Field(Kind.STRING),
    }
    about = About(
        name="Continue loop",
        description="Skips the rest of this iteration when its condition is true.",
        category=Category.ITERATION,
        icon="skip-forward",
        color="#f59e0b",
        tags=("loop",),
        examples=(
            Example(
                config={"condition": False},
                output={"continued": False, "message": None},
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """Whether the iteration ends here."""
        return {"continued": inputs.condition, "message": inputs.message}
