"""foreach: the body once for each item (contract 02)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.about import About, Category, ComponentKind, Example
from app.engine.component import Field, Kind
from app.engine.instance import Result
from app.engine.owner import BodyField, Done, Fail, Move, Open, Owner
from app.engine.owners.shapes import result_or_error

SHOWN_ITEMS = 100

_NAME = Field(Kind.STRING, pattern=r"[A-Za-z_][A-Za-z0-9_]*")


class Foreach(Owner):
    """Runs its body for each item that the filter keeps, one by one or some at once.

    Results are held as references and read when the output is built.
    """

    type = "foreach"
    fields = {
        "items": Field(Kind.ARRAY, required=True),
        "loop_stages": Field(
            Kind.ARRAY,
            default=[],
            items=Field(Kind.STRING),
            stages=True,
            description="Ids of the stages to run for each item",
        ),
        "item_variable": replace(_NAME, default="item", description="Name below context"),
        "index_variable": replace(_NAME, default="index", description="Name below context"),
        "collect_results": Field(Kind.BOOLEAN, default=True),
        "parallel": Field(Kind.BOOLEAN, default=False),
        "max_parallel": Field(
            Kind.INTEGER, default=5, low=1, high=50, description="Iterations at once"
        ),
        "break_on_error": Field(
            Kind.BOOLEAN, default=True, description="The first failure fails the stage"
        ),
        "filter_expression": Field(
            Kind.EXPRESSION,
            roots=frozenset({"item", "index"}),
            description="Items for which it is false are skipped",
        ),
    }
    outputs = {
        "total_items": Field(Kind.INTEGER, required=True, low=0),
        "processed_items": Field(Kind.INTEGER, required=True, low=0),
        "skipped_items": Field(Kind.INTEGER, required=True, low=0),
        "items_to_process": Field(
            Kind.ARRAY,
            high=SHOWN_ITEMS,
            description="The first ones, only when collect_results is false",
        ),
        "results": Field(Kind.ARRAY, required=True, description="In item order"),
        "current_item": Field(Kind.ANY, required=True, description="The last one processed"),
        "current_index": Field(Kind.INTEGER, low=0),
        "is_complete": Field(Kind.BOOLEAN, required=True, description="False after a break_loop"),
    }
    about = About(
        name="For each",
        description="Runs stages once for each item of a list.",
        kind=ComponentKind.CONTROL_FLOW,
        category=Category.ITERATION,
        icon="repeat",
        color="#f59e0b",
        tags=("loop", "list", "parallel"),
        examples=(
            Example(
                config={"items": "{{ input.names }}", "loop_stages": ["greet"]},
                output={
                    "total_items": 2,
                    "processed_items": 2,
                    "skipped_items": 0,
                    "results": [{"text": "Hello, Ada!"}, {"text": "Hello, Grace!"}],
                    "current_item": "Grace",
                    "current_index": 1,
                    "is_complete": True,
                },
            ),
        ),
    )
    body_fields = (BodyField("loop_stages", loop=True),)

    def start(self) -> list[Move]:
        """Opens the first iterations. Raises StageError for too many items or a failing filter."""
        limit = self.limits.max_loop_items
        if len(self.inputs.items) > limit:
            raise StageError("VALIDATION", f"items holds more than {limit} items.")
        kept = [index for index in range(len(self.inputs.items)) if self._keeps(index)]
        self.kept = kept
        self.todo = deque(kept)
        self.results: dict[int, Result] = {}
        self.open = self.processed = 0
        self.current: int | None = None
        self.broken = False
        return self._fill() or [Done(self.output)]

    def _keeps(self, index: int) -> bool:
        condition = self.inputs.filter_expression
        if not condition:
            return True
        names = {"item": self.inputs.items[index], "index": index}
        return bool(self.evaluate(condition, names))

    def _fill(self) -> list[Move]:
        room = (self.inputs.max_parallel if self.inputs.parallel else 1) - self.open
        chosen = [self.todo.popleft() for _ in range(min(room, len(self.todo)))]
        self.open += len(chosen)
        return [self._iteration(index) for index in chosen]

    def _iteration(self, index: int) -> Open:
        return Open(
            "loop_stages",
            tag=index,
            index=index,
            names=self._names(index),
            sees_earlier=not self.inputs.parallel,
        )

    def _names(self, index: int) -> Mapping[str, JSON]:
        item = self.inputs.items[index]
        return {
            "item": item,
            "index": index,
            self.inputs.item_variable: item,
            self.inputs.index_variable: index,
        }

    def body_done(self, tag: Any, result: Result) -> list[Move]:
        """An iteration ended: the next one opens, or the loop ends."""
        self.open -= 1
        self.processed += 1
        self.current = tag if self.current is None else max(self.current, tag)
        if result.failed and self.inputs.break_on_error:
            return [self._failure(tag, result)]
        if self.inputs.collect_results:
            self.results[tag] = result
        if result.broken:
            self.broken = True
            self.todo.clear()
        return self._fill() or ([] if self.open else [Done(self.output)])

    @staticmethod
    def _failure(index: int, result: Result) -> Fail:
        error = result.error
        assert error is not None
        return Fail(replace(error, details={**error.details, "index": index}))

    def output(self) -> dict[str, JSON]:
        """The stage's output, once everything that was to run has run."""
        items, current = self.inputs.items, self.current
        output: dict[str, JSON] = {
            "total_items": len(items),
            "processed_items": self.processed,
            "skipped_items": len(items) - len(self.kept),
        }
        if not self.inputs.collect_results:
            output["items_to_process"] = [items[index] for index in self.kept[:SHOWN_ITEMS]]
        return output | {
            "results": [result_or_error(self.results[index]) for index in sorted(self.results)],
            "current_item": None if current is None else items[current],
            "current_index": current,
            "is_complete": not self.broken,
        }
