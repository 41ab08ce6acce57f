"""What should be looked at in a document, though it can be saved and run (contract 01)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.core import wire
from app.core.errors import Problem
from app.core.wire import JSON
from app.engine.planner import Plan
from app.engine.schema import SchemaError, Violation, compile_schema
from app.engine.validation.findings import Findings
from app.engine.validation.idle_stages import unreachable_stages, unused_stages
from app.engine.validation.written_stage import WrittenStage


def warnings_of(raw: Mapping[str, JSON], plan: Plan | None) -> list[Problem]:
    """All warnings of a document, in document order. They never block.

    `plan` is None for a document with problems: nothing is said of its graph then, for parts of it
    are missing. Accepts any JSON object.
    """
    findings = Findings()
    for pointer, message in _secrets(raw.get("stages")):
        findings.add(pointer, "literal-secret", message)
    for pointer, message, _ in _violations(raw.get("input_schema"), raw.get("sample_input")):
        findings.add(f"/sample_input{pointer}", "sample-input-invalid", message)
    if plan is not None:
        _add_idle(plan, findings)
    return findings.in_order_of(raw)


def _violations(schema: JSON, sample: JSON) -> list[Violation]:
    if sample is None or not isinstance(schema, dict):
        return []
    try:
        return compile_schema(schema).errors(sample)
    except SchemaError:  # a problem, and told as one
        return []


def _add_idle(plan: Plan, findings: Findings) -> None:
    for stage in unused_stages(plan):
        message = f"The output stage {plan.document.output_stage_id!r} does not need this stage."
        findings.add(f"/stages/{stage.index}", "unused-stage", message)
    for stage in unreachable_stages(plan):
        message = "This stage never runs: a return without condition ends the run before."
        findings.add(f"/stages/{stage.index}", "unreachable-after-return", message)


def _secrets(stages: Any) -> Iterator[tuple[str, str]]:
    """Place and sentence of each constant text in a config that bears the name of a secret."""
    for i, raw in enumerate(stages if isinstance(stages, list) else ()):
        stage = WrittenStage(i, raw)
        for below, name in _literal_secrets(stage.read.config):
            message = f"{name[:100]!r} is written out here; a template would keep it out of sight."
            yield stage.place(f"/config{below}"), message


def _literal_secrets(config: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    """Pointer and name of each such member. Numbers are none: `max_tokens` keeps no secret."""
    stack: list[tuple[str, JSON]] = [("", config)]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, list):
            stack += [(f"{pointer}/{i}", item) for i, item in enumerate(value)]
        elif isinstance(value, dict):
            for name, item in value.items():
                place = pointer + wire.pointer(name)
                if isinstance(item, str) and item and "{{" not in item and wire.is_secret(name):
                    yield place, name
                stack.append((place, item))
