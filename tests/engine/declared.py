"""Whether a component gives what it declares."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from app.engine.component import Component
from app.engine.schema import output_schema


@cache
def _judge(component: Component) -> Any:
    return jsonschema_rs.Draft202012Validator(output_schema(component.outputs))


def assert_declared(component: Component, output: Any) -> None:
    """Fails for an output that the component's output schema does not accept. Components of tests
    may declare none."""
    if component.outputs:
        wrong = [str(error) for error in _judge(component).iter_errors(output)]
        assert not wrong, (component.type, wrong)
