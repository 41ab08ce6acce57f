"""conditional: one of two branches runs (contract 02)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

from app.core.wire import JSON
from app.engine.about import About, Category, ComponentKind, Example
from app.engine.coercion import coerce
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext

_BRANCH = Field(Kind.ARRAY, default=[], items=Field(Kind.STRING), stages=True)


class Conditional(Component):
    """Names the branch to run; a stage of both runs either way."""

    type = "conditional"
    inline = True
    reads_back = True
    fields = {
        "condition": Field(Kind.ANY, required=True),
        "condition_expression": Field(
            Kind.EXPRESSION,
            roots=frozenset({"value"}),
            description="Decides in place of condition, which it sees as value",
        ),
        "true_branch_stages": _BRANCH,
        "false_branch_stages": _BRANCH,
        "pass_data": Field(Kind.ANY),
    }
    outputs = {
        "branch_taken": Field(Kind.STRING, required=True, choices=("true", "false")),
        "condition_value": Field(Kind.ANY, required=True),
        "condition_result": Field(Kind.BOOLEAN, required=True),
        "data": Field(Kind.ANY, required=True, description="pass_data, as given"),
    }
    about = About(
        name="Conditional",
        description="Runs one branch of stages or the other.",
        kind=ComponentKind.CONTROL_FLOW,
        category=Category.ROUTING,
        icon="git-branch",
        color="#0ea5e9",
        tags=("branch", "if"),
        examples=(
            Example(
                config={"condition": 12},
                output={
                    "branch_taken": "true",
                    "condition_value": 12,
                    "condition_result": True,
                    "data": None,
                },
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The branch. Raises StageError EXPRESSION."""
        result = inputs.condition
        if inputs.condition_expression:
            result = context.evaluate(inputs.condition_expression, {"value": inputs.condition})
        return {
            "branch_taken": "true" if result else "false",
            "condition_value": inputs.condition,
            "condition_result": bool(result),
            "data": inputs.pass_data,
        }

    def closes(self, config: Mapping[str, JSON], output: JSON) -> Iterable[str]:
        """The stages of the other branch alone; of both when it failed."""
        on_true, on_false = self._named(config, "true"), self._named(config, "false")
        if output is None:
            return {*on_true, *on_false}
        taken, other = (on_true, on_false) if output["condition_result"] else (on_false, on_true)
        return set(other).difference(taken)

    def _named(self, config: Mapping[str, JSON], branch: str) -> list[str]:
        name = f"{branch}_branch_stages"
        named: list[str] = coerce(self.fields[name], config.get(name))
        return named
