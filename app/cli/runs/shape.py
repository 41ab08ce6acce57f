"""What the events of a run do not say: which stage runs which, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.cli.client import Client, pipeline_path
from app.cli.home import Refused
from app.core.wire import JSON
from app.engine.expressions import ExpressionError, ExpressionSyntaxError, compile_value

Run = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """`owners`: stage -> the stage that runs it. `times`: how many items a loop goes over, of those
    loops where that can be told before."""

    owners: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, int] = field(default_factory=dict)


def shape_of(client: Client, run: Run) -> Shape:
    """The shape of the pipeline of a run, in the run's version.

    Empty when Studio does not tell: who may watch a run need not be allowed to read pipelines.
    """
    version = pipeline_path(f"{run['pipeline_id']}@{run['pipeline_version']}")
    try:
        plan = client.post(f"{version}/validate", {})["plan"]
        stages = client.get(version)["stages"]
    except Refused:
        return Shape()
    owners = plan["owners"] if plan else {}
    loops = [stage for stage in stages if _is_plain_loop(stage) and stage["id"] not in owners]
    return Shape(owners, dict(_times(loops, run["input"])))


def _is_plain_loop(stage: Mapping[str, Any]) -> bool:
    return stage["component_type"] == "foreach" and not stage["config"].get("filter_expression")


def _times(loops: list[Mapping[str, Any]], given: JSON) -> Iterator[tuple[str, int]]:
    for loop in loops:
        items = _items(loop["config"]["items"], given)
        if isinstance(items, list):
            yield loop["id"], len(items)


def _items(raw: JSON, given: JSON) -> JSON:
    """The items of a loop as far as the input alone tells them; else null."""
    if not isinstance(raw, str):
        return raw
    try:
        return compile_value(raw).resolve(_OnlyInput(given))
    except (ExpressionError, ExpressionSyntaxError, KeyError):
        return None


class _OnlyInput:
    """The names of a run that has not begun."""

    def __init__(self, given: JSON) -> None:
        self._roots = {"input": given}

    def root(self, name: str) -> JSON:
        return self._roots[name]

    def upstream(self, stage_id: str) -> JSON:
        raise KeyError(stage_id)
