"""Everything that can be said of a document before it is saved: problems, warnings, its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.core.errors import Problem
from app.core.wire import JSON
from app.engine.component import Registry
from app.engine.document import read_document
from app.engine.planner import Plan, plan_document
from app.engine.validation.validator import validate_document
from app.engine.validation.warnings import warnings_of


class Judgement(NamedTuple):
    """What is wrong, what is only odd, and the plan of a document without problems."""

    problems: list[Problem]
    warnings: list[Problem]
    plan: Plan | None


def judge_document(raw: Mapping[str, JSON], registry: Registry) -> Judgement:
    """Judges any JSON object as a document."""
    problems = validate_document(raw, registry)
    plan = None if problems else plan_document(read_document(raw), registry)
    return Judgement(problems, warnings_of(raw, plan), plan)
