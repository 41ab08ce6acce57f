"""subpipeline: another pipeline runs, and its output is the stage's (contract 02)."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from app.core.wire import JSON
from app.engine.about import About, Category, ComponentKind, Example
from app.engine.coercion import CoercionError, coerce
from app.engine.component import Component, Effect, Field, Kind


class Subpipeline(Component):
    """Names the pipeline and its input; whoever drives the run starts the child and answers."""

    type = "subpipeline"
    effect = Effect.OWNER
    awaits_child = True
    timeout_ms = None
    fields = {
        "pipeline_id": Field(
            Kind.STRING, required=True, low=1, description="An id, a name, or name@version"
        ),
        "pipeline_version": Field(Kind.STRING),
        "input_data": Field(Kind.OBJECT, default={}),
        "timeout_ms": Field(
            Kind.INTEGER, default=60_000, low=100, high=86_400_000, description="Of the child"
        ),
        "async_execution": Field(
            Kind.BOOLEAN, default=False, description="true: does not wait for the child"
        ),
        "wait_for_completion": Field(Kind.BOOLEAN, default=True),
        "inherit_context": Field(
            Kind.BOOLEAN, default=True, description="The child begins with the variables"
        ),
        "isolated": Field(Kind.BOOLEAN, default=False, description="It begins with none"),
        "on_error": Field(Kind.STRING, default="propagate", choices=("propagate", "continue")),
        "default_result": Field(Kind.ANY, description="The result when the child failed"),
    }
    outputs = {
        "pipeline_id": Field(Kind.STRING, required=True),
        "run_id": Field(Kind.STRING, required=True, description="The child run"),
        "status": Field(
            Kind.STRING, required=True, choices=("pending", "completed", "failed", "cancelled")
        ),
        "result": Field(Kind.ANY, required=True, description="The output of the child"),
        "execution_time_ms": Field(Kind.INTEGER, low=0),
        "error": Field(Kind.OBJECT, description="Why the child failed"),
    }
    about = About(
        name="Subpipeline",
        description="Runs another pipeline as one stage.",
        kind=ComponentKind.CONTROL_FLOW,
        category=Category.COMPOSITION,
        icon="workflow",
        color="#6366f1",
        tags=("reuse", "child"),
        examples=(
            Example(
                config={"pipeline_id": "enrich", "input_data": {"id": 7}},
                output={
                    "pipeline_id": "pl-01jz8xw3kd1v3qf1n8r5y2t6ma",
                    "run_id": "run-01jz8xw3kd7m2c9e4h6b0s5pzt",
                    "status": "completed",
                    "result": {"id": 7, "name": "Ada"},
                    "execution_time_ms": 41,
                    "error": None,
                },
            ),
        ),
    )

    def timeout_of(self, inputs: SimpleNamespace) -> int | None:
        """The child's own limit; none when it is not waited for."""
        limit: int = inputs.timeout_ms
        return limit if waits(inputs) else None

    def reads_variables(self, config: Mapping[str, JSON]) -> bool:
        """It takes all along, unless constants say that the child begins with none."""
        return self._may_be(config, "inherit_context", True) and self._may_be(
            config, "isolated", False
        )

    def _may_be(self, config: Mapping[str, JSON], name: str, wanted: bool) -> bool:
        try:
            return bool(coerce(self.fields[name], config.get(name)) is wanted)
        except CoercionError:
            return True  # a template: known only when it runs


def waits(inputs: SimpleNamespace) -> bool:
    """Whether the stage ends with its child, not with its start."""
    return inputs.wait_for_completion and not inputs.async_execution


def copies_variables(inputs: SimpleNamespace) -> bool:
    """Whether the child begins with the variables of its parent."""
    return inputs.inherit_context and not inputs.isolated
