"""return: the run ends here, with a value or as failed (contract 02)."""

from __future__ import annotations

from types import SimpleNamespace

from app.core.wire import JSON
from app.engine.about import About, Category, ComponentKind, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext


class Return(Component):
    """Ends the whole run, out of any body, when its condition is true."""

    type = "return"
    inline = True
    reads_back = True
    run_control = "should_return"
    fields = {
        "condition": Field(Kind.BOOLEAN, default=True),
        "condition_expression": Field(Kind.EXPRESSION, description="Decides in place of condition"),
        "return_value": Field(Kind.ANY, description="The run's output"),
        "message": Field(Kind.STRING, description="Why, when the run fails by it"),
        "status": Field(Kind.STRING, default="completed", choices=("completed", "failed")),
    }
    outputs = {
        "should_return": Field(Kind.BOOLEAN, required=True),
        "return_value": Field(Kind.ANY, required=True),
        "message": Field(Kind.STRING),
        "status": Field(Kind.STRING, required=True, choices=("completed", "failed")),
        "remaining_stages": Field(
            Kind.ARRAY,
            required=True,
            items=Field(Kind.STRING),
            description="Stages around it that had not begun",
        ),
    }
    about = About(
        name="Return",
        description="Ends the run early, with a value or as failed.",
        kind=ComponentKind.CONTROL_FLOW,
        category=Category.ROUTING,
        icon="corner-down-left",
        color="#0ea5e9",
        tags=("exit", "early"),
        examples=(
            Example(
                config={"condition": False, "return_value": {"cached": True}},
                output={
                    "should_return": False,
                    "return_value": {"cached": True},
                    "message": None,
                    "status": "completed",
                    "remaining_stages": [],
                },
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """Whether the run ends here. Raises StageError EXPRESSION."""
        ends = inputs.condition
        if inputs.condition_expression:
            ends = bool(context.evaluate(inputs.condition_expression, {}))
        return {
            "should_return": ends,
            "return_value": inputs.return_value,
            "message": inputs.message,
            "status": inputs.status,
            "remaining_stages": context.remaining_stages() if ends else [],
        }
