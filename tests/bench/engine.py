"""The coordinator alone, without a database: stages a second on one core."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.components import built_in
from app.engine.coordinator import Coordinator, RunFacts
from app.engine.document import read_document
from app.engine.instance import Completed
from app.engine.planner import plan_document


class _NoOutputs:
    def load(self, instance_id: str) -> object:
        raise AssertionError("nothing was rebuilt")


def transform(stage_id: str, data: object, **changes: object) -> dict:
    """A pure stage with one template."""
    return {"id": stage_id, "component_type": "json_transform", "config": {"data": data}, **changes}


def chain(length: int) -> dict:
    """Each stage takes the one before it."""
    stages = [transform("s0", "{{ input.n }}")]
    for n in range(1, length):
        stages.append(transform(f"s{n}", f"{{{{ upstream.s{n - 1}.result + 1 }}}}"))
    return {"name": f"chain-{length}", "stages": stages, "output_stage_id": f"s{length - 1}"}


def wide(width: int) -> dict:
    """Independent stages and one that joins them."""
    stages = [transform(f"s{n}", "{{ input.n + 1 }}") for n in range(width)]
    ids = [stage["id"] for stage in stages]
    return {"name": f"wide-{width}", "stages": [*stages, transform("end", 1, depends_on=ids)]}


def loop(items: int) -> dict:
    """A loop with one transform in its body."""
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": "{{ range(input.items) }}", "loop_stages": ["t"]},
    }
    return {
        "name": f"loop-{items}",
        "stages": [each, transform("t", "{{ context.item * 2 }}")],
        "output_stage_id": "each",
    }


def nested(depth: int) -> dict:
    """Owners inside each other: a loop, in it a retry, in it a trycatch, and again."""
    stages, kinds = [], ("foreach", "retry", "trycatch")
    for n in range(depth):
        body = {"foreach": "loop_stages", "retry": "task", "trycatch": "try_stages"}
        kind = kinds[n % 3]
        config: dict = {body[kind]: [f"s{n + 1}"]}
        if kind == "foreach":
            config["items"] = [n]
        stages.append({"id": f"s{n}", "component_type": kind, "config": config})
    stages.append(transform(f"s{depth}", "{{ input.n }}"))
    return {"name": f"nested-{depth}", "stages": stages, "output_stage_id": "s0"}


def _seconds(document: dict, input: dict) -> float:
    plan = plan_document(read_document(document), built_in())
    numbers = iter(range(10**9))
    facts = RunFacts(
        run_id="run-bench",
        pipeline_id="pl-bench",
        pipeline_name="bench",
        pipeline_version="1.0.0",
        input=input,
        started_at=0,
        max_loop_items=10**6,
    )
    began = time.perf_counter()
    coordinator = Coordinator(plan, facts, _NoOutputs(), lambda: f"stg-{next(numbers)}")
    outcome = None
    while outcome is None:
        _, outcome = coordinator.turn()
        coordinator.drain()
    took = time.perf_counter() - began
    assert isinstance(outcome, Completed), outcome
    return took


def _best(times: int, act: Callable[[], float]) -> float:
    return min(act() for _ in range(times))


def measure() -> dict[str, float]:
    """Name -> figure."""
    each = {n: _best(3, lambda n=n: _seconds(chain(n), {"n": 1})) / n for n in (1, 10, 100, 1000)}
    return {
        **{f"engine chain of {n}, µs a stage": seconds * 1e6 for n, seconds in each.items()},
        "engine 120 owners nested, ms": 1000 * _best(3, lambda: _seconds(nested(120), {"n": 1})),
        "engine chain 1000, stages/s": 1000 / _best(3, lambda: _seconds(chain(1000), {"n": 1})),
        "engine wide 1000, stages/s": 1001 / _best(3, lambda: _seconds(wide(1000), {"n": 1})),
        "engine foreach 10000, seconds": _best(
            1, lambda: _seconds(loop(10_000), {"items": 10_000})
        ),
    }
