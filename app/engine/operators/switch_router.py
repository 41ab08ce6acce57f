"""switch_router: the one stage that the first matching case names runs (contract 02)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.coercion import coerce
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext
from app.engine.operators.comparisons import COMPARISONS
from app.engine.paths import follow, parse_path

_CASE = {
    "value": Field(Kind.ANY, required=True),
    "route": Field(Kind.STRING, required=True, stages=True),
}


class SwitchRouter(Component):
    """The first case that matches wins, else the default route, else none."""

    type = "switch_router"
    inline = True
    reads_back = True
    fields = {
        "data": Field(Kind.ANY, required=True),
        "value_path": Field(Kind.STRING, description="Dotted path into data; absent: all of it"),
        "cases": Field(
            Kind.ARRAY,
            required=True,
            items=Field(Kind.OBJECT, members=_CASE),
            description="What to match, and the id of the stage to run",
        ),
        "default_route": Field(Kind.STRING, stages=True),
        "comparison_mode": Field(Kind.STRING, default="equals", choices=tuple(COMPARISONS)),
    }
    outputs = {
        "matched_route": Field(Kind.STRING),
        "matched_case": Field(Kind.ANY, required=True, description="The value of the case"),
        "value": Field(Kind.ANY, required=True, description="What was matched"),
        "data": Field(Kind.ANY, required=True),
    }
    about = About(
        name="Switch router",
        description="Runs the one stage whose case matches a value.",
        category=Category.ROUTING,
        icon="split",
        color="#0ea5e9",
        tags=("branch", "switch", "case"),
        examples=(
            Example(
                config={"data": {"total": 120}, "value_path": "total", "cases": []},
                output={
                    "matched_route": None,
                    "matched_case": None,
                    "value": 120,
                    "data": {"total": 120},
                },
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The case; a path that leads nowhere gives null to match."""
        value = _picked(inputs.data, inputs.value_path)
        matches = COMPARISONS[inputs.comparison_mode]
        case = next((case for case in inputs.cases if matches(value, case["value"])), None)
        return {
            "matched_route": inputs.default_route if case is None else case["route"],
            "matched_case": None if case is None else case["value"],
            "value": value,
            "data": inputs.data,
        }

    def closes(self, config: Mapping[str, JSON], output: JSON) -> Iterable[str]:
        """The stages of the other cases; of all when it failed."""
        cases, default = (
            coerce(self.fields[name], config.get(name)) for name in ("cases", "default_route")
        )
        named = {case["route"] for case in cases} | ({default} if default else set())
        return named - {output["matched_route"]} if output is not None else named


def _picked(data: JSON, path: str | None) -> JSON:
    if not path:
        return data
    try:
        return follow(data, parse_path(path, brackets=True))
    except KeyError:
        return None
