"""Judging a document without saving or running it (contract 01, Validation)."""

from __future__ import annotations

from collections.abc import Mapping

from app.components import built_in
from app.core.errors import Problem, errors_of
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine import validation as engine
from app.engine.planner import plan_view
from app.engine.schema import compile_schema
from app.models.pipelines import PipelineVersion
from app.services.pipelines.cycles import cycle_problems
from app.services.pipelines.documents import resolve


def judge_document(who: Principal, raw: Mapping[str, JSON]) -> dict[str, JSON]:
    """The Validation of a document, whatever is wrong with it."""
    return _judged(who, raw)


def judge_pipeline(
    who: Principal, reference: str, input: Mapping[str, JSON] | None = None
) -> dict[str, JSON]:
    """The Validation of the version that a run of `reference` would take, against the components
    present now.

    What its input_schema has against `input` are problems too, below `/input`; they are looked for
    once the document itself has none. Raises NotFound.
    """
    version = resolve(who, reference)
    document = PipelineVersion.get_by_id(version.id).document
    return _judged(who, document, input, version.pipeline_id)


def _judged(
    who: Principal,
    document: Mapping[str, JSON],
    input: Mapping[str, JSON] | None = None,
    pipeline_id: str | None = None,
) -> dict[str, JSON]:
    problems, warnings, plan = engine.judge_document(document, built_in())
    if cycles := cycle_problems(who, document, pipeline_id):
        problems = engine.in_document_order(document, [*problems, *cycles])
    elif plan is not None and input is not None:
        problems = _input_problems(plan.document.input_schema, input)
    return {
        "valid": not problems,
        "errors": errors_of(problems),
        "problems": [problem.to_json() for problem in problems],
        "warnings": [warning.to_json() for warning in warnings],
        "plan": None if problems or plan is None else plan_view(plan),
    }


def _input_problems(schema: Mapping[str, JSON], input: Mapping[str, JSON]) -> list[Problem]:
    found = compile_schema(schema).errors(input)
    return [Problem(f"/input{pointer}", "invalid-input", message) for pointer, message, _ in found]
