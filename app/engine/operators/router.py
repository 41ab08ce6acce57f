"""router: the stages of one route run (contract 02)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

from app.core.wire import JSON
from app.engine.about import About, Category, ComponentKind, Example
from app.engine.coercion import coerce
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext
from app.engine.expressions import embedded_text

DEFAULT = "default"


class Router(Component):
    """Takes the route whose key is the text of a value, else the default one."""

    type = "router"
    inline = True
    reads_back = True
    fields = {
        "value": Field(Kind.ANY, required=True),
        "routes": Field(
            Kind.OBJECT,
            required=True,
            items=Field(Kind.ARRAY, items=Field(Kind.STRING)),
            stages=True,
            description="Text of the value -> ids of the stages to run",
        ),
        "default_route": Field(
            Kind.ARRAY,
            default=[],
            items=Field(Kind.STRING),
            stages=True,
            description="Ids of the stages to run when no route matches",
        ),
        "value_expression": Field(
            Kind.EXPRESSION,
            roots=frozenset({"value"}),
            description="What is matched in place of value, which it sees as value",
        ),
        "case_insensitive": Field(Kind.BOOLEAN, default=False),
        "pass_data": Field(Kind.ANY),
    }
    outputs = {
        "route_taken": Field(Kind.STRING, required=True),
        "original_value": Field(Kind.ANY, required=True),
        "matched_value": Field(Kind.ANY, required=True),
        "stages_to_execute": Field(Kind.ARRAY, required=True, items=Field(Kind.STRING)),
        "stages_to_skip": Field(Kind.ARRAY, required=True, items=Field(Kind.STRING)),
        "data": Field(Kind.ANY, required=True, description="pass_data, as given"),
    }
    about = About(
        name="Router",
        description="Runs the stages of the route that a value names.",
        kind=ComponentKind.CONTROL_FLOW,
        category=Category.ROUTING,
        icon="route",
        color="#0ea5e9",
        tags=("branch", "switch"),
        examples=(
            Example(
                config={"value": "new", "routes": {}},
                output={
                    "route_taken": DEFAULT,
                    "original_value": "new",
                    "matched_value": "new",
                    "stages_to_execute": [],
                    "stages_to_skip": [],
                    "data": None,
                },
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The route. Raises StageError EXPRESSION."""
        value = inputs.value
        if inputs.value_expression:
            value = context.evaluate(inputs.value_expression, {"value": value})
        route = _matching(embedded_text(value), inputs.routes, inputs.case_insensitive)
        taken = inputs.default_route if route is None else inputs.routes[route]
        named = dict.fromkeys(_all_of(inputs.routes, inputs.default_route))
        return {
            "route_taken": DEFAULT if route is None else route,
            "original_value": inputs.value,
            "matched_value": value,
            "stages_to_execute": taken,
            "stages_to_skip": [stage for stage in named if stage not in taken],
            "data": inputs.pass_data,
        }

    def closes(self, config: Mapping[str, JSON], output: JSON) -> Iterable[str]:
        """The stages of the routes not taken; of all when it failed."""
        if output is not None:
            skipped: list[str] = output["stages_to_skip"]
            return skipped
        routes, default = (
            coerce(self.fields[name], config.get(name)) for name in ("routes", "default_route")
        )
        return _all_of(routes, default)


def _matching(text: str, routes: Mapping[str, JSON], any_case: bool) -> str | None:
    if text in routes:
        return text
    if not any_case:
        return None
    folded = text.casefold()
    return next((route for route in routes if route.casefold() == folded), None)


def _all_of(routes: Mapping[str, list[str]], default: list[str]) -> list[str]:
    return [stage for stages in (*routes.values(), default) for stage in stages]
