"""One operator by itself: coerced inputs, a context that knows a few names, its output."""

from __future__ import annotations

from typing import Any

from app.engine.coercion import build_inputs
from app.engine.component import Component
from app.engine.context import StageContext
from app.engine.coordinator.evaluating import Evaluator
from app.engine.coordinator.names import FrozenNames

NAMES = FrozenNames({"input": {"n": 5, "vip": True}, "vars": {"limit": 3}}, {"a": {"ok": False}})


def output_of(component: Component, /, remaining: tuple[str, ...] = (), **config: Any) -> Any:
    """What the component gives for this config in a stage that sees NAMES."""
    context = StageContext(
        run_id="r",
        stage_id="s",
        attempt=1,
        evaluate=Evaluator(NAMES),
        remaining_stages=lambda: list(remaining),
    )
    return component.run(context, build_inputs(component.fields, config))
