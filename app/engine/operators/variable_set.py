"""variable_set: writes a variable for the stages that depend on it (contract 02)."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext
from app.engine.paths import follow, parse_path


class VariableSet(Component):
    """Says in its output what it wrote; the coordinator reads it there, live and in replay."""

    type = "variable_set"
    inline = True
    reads_back = True
    fields = {
        "name": Field(
            Kind.STRING, required=True, constant=True, pattern=r"[A-Za-z_][A-Za-z0-9_]{0,63}"
        ),
        "value": Field(Kind.ANY, required=True),
        "scope": Field(
            Kind.STRING,
            default="pipeline",
            choices=("pipeline", "loop"),
            constant=True,
            description="loop: visible in the same iteration only",
        ),
        "overwrite": Field(
            Kind.BOOLEAN, default=True, description="false keeps a value that exists"
        ),
        "extract_path": Field(Kind.STRING, description="Dotted path into the value"),
    }
    outputs = {
        "name": Field(Kind.STRING, required=True),
        "value": Field(Kind.ANY, required=True, description="The value now in force"),
        "previous_value": Field(Kind.ANY, required=True),
        "was_set": Field(Kind.BOOLEAN, required=True),
    }
    about = About(
        name="Set variable",
        description="Remembers a value for the stages that read it as vars.NAME.",
        category=Category.STATE,
        icon="variable",
        color="#8b5cf6",
        tags=("variable",),
        examples=(
            Example(
                config={
                    "name": "customer",
                    "value": {"customer": {"id": 7}},
                    "extract_path": "customer.id",
                },
                output={
                    "name": "customer",
                    "value": 7,
                    "previous_value": None,
                    "was_set": True,
                },
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The value now in force, and the one before. Raises StageError for a path that leads
        nowhere."""
        exists = inputs.name in context.variables
        previous = context.variables.get(inputs.name)
        was_set = inputs.overwrite or not exists
        return {
            "name": inputs.name,
            "value": _chosen(inputs) if was_set else previous,
            "previous_value": previous,
            "was_set": was_set,
        }

    def variables(
        self, config: Mapping[str, JSON], output: JSON
    ) -> Mapping[str, tuple[JSON, bool]]:
        """The one variable, unless an existing value was kept."""
        if not output["was_set"]:
            return {}
        stays = str(config.get("scope") or "pipeline").lower() == "loop"
        return {output["name"]: (output["value"], stays)}


def _chosen(inputs: SimpleNamespace) -> JSON:
    if not inputs.extract_path:
        return inputs.value
    try:
        return follow(inputs.value, parse_path(inputs.extract_path, brackets=True))
    except KeyError:
        sentence = f"extract_path: nothing stands at {inputs.extract_path!r}."
        raise StageError("VALIDATION", sentence) from None
