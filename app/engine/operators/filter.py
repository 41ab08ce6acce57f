"""filter: data passes or becomes null; of an array, the items that pass are kept (contract 02)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import NamedTuple

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext
from app.engine.expressions.operators import equal
from app.engine.paths import follow, parse_path

ARRAY_MODE = "filter_array"
SHORT_ARRAY = 50  #: items; each may take a whole evaluation, so longer arrays leave for the pool
_NO_ARRAY = f"must be an array in the mode {ARRAY_MODE}"


class Filter(Component):
    """Judges by `condition`, else by `field_conditions`, else lets everything pass."""

    type = "filter"
    inline = True
    fields = {
        "data": Field(Kind.ANY, required=True),
        "condition": Field(
            Kind.EXPRESSION,
            roots=frozenset({"data", "item", "index"}),
            description="Sees data, or item and index when an array is filtered",
        ),
        "field_conditions": Field(
            Kind.OBJECT,
            default={},
            description="Dotted path to the value it must have, when there is no condition",
        ),
        "pass_if_missing": Field(
            Kind.BOOLEAN, default=False, description="What cannot be evaluated passes"
        ),
        "filter_mode": Field(Kind.STRING, default="pass_fail", choices=("pass_fail", ARRAY_MODE)),
        "invert": Field(Kind.BOOLEAN, default=False, description="What would pass does not"),
    }
    outputs = {
        "passed": Field(Kind.BOOLEAN, required=True, description="Of an array: something was kept"),
        "data": Field(Kind.ANY, required=True, description="Null, or of an array what was kept"),
        "filtered_count": Field(Kind.INTEGER, required=True, low=0),
        "reason": Field(Kind.STRING, required=True),
    }
    about = About(
        name="Filter",
        description="Lets data pass that meets a condition, or keeps such items of a list.",
        category=Category.DATA,
        icon="filter",
        color="#14b8a6",
        tags=("condition", "list"),
        examples=(
            Example(
                config={
                    "data": [{"id": 1, "total": 5}, {"id": 2, "total": 50}],
                    "filter_mode": "filter_array",
                    "condition": "item.total > 10",
                },
                output={
                    "passed": True,
                    "data": [{"id": 2, "total": 50}],
                    "filtered_count": 1,
                    "reason": "1 of 2 items pass.",
                },
            ),
            Example(
                config={
                    "data": {"user": {"role": "guest"}},
                    "field_conditions": {"user.role": "admin"},
                },
                output={
                    "passed": False,
                    "data": None,
                    "filtered_count": 1,
                    "reason": "The field user.role has another value.",
                },
            ),
        ),
    )

    def runs_inline(self, inputs: SimpleNamespace) -> bool:
        """Not a long array: in the pool its time is bounded, and it can be stopped."""
        data = inputs.data
        return (
            inputs.filter_mode != ARRAY_MODE or type(data) is not list or len(data) <= SHORT_ARRAY
        )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """What passed. Raises StageError VALIDATION when the mode wants an array and gets none."""
        judge = _Judge(context, inputs)
        if inputs.filter_mode == ARRAY_MODE:
            return _filtered(inputs.data, judge)
        verdict = judge.verdict(inputs.data, {"data": inputs.data})
        return {
            "passed": verdict.passes,
            "data": inputs.data if verdict.passes else None,
            "filtered_count": 0 if verdict.passes else 1,
            "reason": verdict.reason,
        }

    @classmethod
    def check_config(cls, config: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
        """Constant data that the mode must refuse."""
        is_array = type(config.get("data", [])) is list
        if config.get("filter_mode") == ARRAY_MODE and not is_array:
            yield "data", f"This {_NO_ARRAY}."


class Verdict(NamedTuple):
    """Whether a value passes, and why; `failed` when its condition could not be evaluated."""

    passes: bool
    reason: str
    failed: bool = False


class _Judge:
    """Says of one value after the other whether it passes."""

    def __init__(self, context: StageContext, inputs: SimpleNamespace) -> None:
        self._context = context
        self._inputs = inputs
        self._wanted = [
            (path, parse_path(path), value) for path, value in inputs.field_conditions.items()
        ]

    def verdict(self, value: JSON, roots: Mapping[str, JSON]) -> Verdict:
        """`roots` are what the condition may call the value."""
        self._context.check()
        by_fields = self._inputs.condition is None
        verdict = self._by_fields(value) if by_fields else self._by_condition(roots)
        if not self._inputs.invert:
            return verdict
        return verdict._replace(passes=not verdict.passes, reason=f"Inverted: {verdict.reason}")

    def _by_condition(self, roots: Mapping[str, JSON]) -> Verdict:
        try:
            passes = bool(self._context.evaluate(self._inputs.condition, roots))
        except StageError as failed:
            return Verdict(self._inputs.pass_if_missing, failed.message, failed=True)
        return Verdict(passes, f"The condition is {'true' if passes else 'false'}.")

    def _by_fields(self, value: JSON) -> Verdict:
        for path, parts, wanted in self._wanted:
            try:
                found = follow(value, parts)
            except KeyError:
                if not self._inputs.pass_if_missing:
                    return Verdict(False, f"There is no {path}.")
            else:
                if not equal(self, found, wanted):
                    return Verdict(False, f"The field {path} has another value.")
        return Verdict(True, "Every field has its value." if self._wanted else "No condition.")

    def spend(self, steps: int) -> None:
        """A long comparison is not counted, but can be stopped."""
        self._context.check()


def _filtered(items: JSON, judge: _Judge) -> dict[str, JSON]:
    if type(items) is not list:
        raise StageError("VALIDATION", f"The field data {_NO_ARRAY}.", details={"field": "/data"})
    kept: list[JSON] = []
    failure = ""
    for index, item in enumerate(items):
        verdict = judge.verdict(item, {"item": item, "index": index})
        if verdict.passes:
            kept.append(item)
        if verdict.failed and not failure:
            failure = f" The condition failed first for item {index}: {verdict.reason}"
    return {
        "passed": bool(kept),
        "data": kept,
        "filtered_count": len(items) - len(kept),
        "reason": f"{len(kept)} of {len(items)} items pass.{failure}",
    }
