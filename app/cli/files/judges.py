"""Who says what is wrong with a resolved document: this installation, or Studio."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.cli.client import Answered, Client
from app.core.errors import Problem
from app.core.wire import JSON


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, and what is only odd, in pointers into the resolved document."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


Judge = Callable[[dict[str, JSON]], Verdict]

#: Studio refuses even to look at a body for these reasons.
_NOT_JUDGED = (400, 413)


def judge_here(document: dict[str, JSON]) -> Verdict:
    """Against the components that are built in; no Studio is needed."""
    # Only who validates loads all components: the other commands start sooner.
    from app.components import built_in
    from app.engine.validation import judge_document

    found = judge_document(document, built_in())
    return Verdict(tuple(found.problems), tuple(found.warnings))


def judge_in_studio(client: Client) -> Judge:
    """Against the components of a Studio."""

    def judge(document: dict[str, JSON]) -> Verdict:
        try:
            found = client.post("/api/v1/pipelines/validate", document)
        except Answered as answer:
            if answer.status_code not in _NOT_JUDGED:
                raise
            return Verdict((Problem("", answer.code or "refused", answer.detail),))
        return Verdict(_read(found["problems"]), _read(found["warnings"]))

    return judge


def _read(told: Iterable[dict[str, Any]]) -> tuple[Problem, ...]:
    return tuple(Problem(each["pointer"], each["code"], each["message"]) for each in told)
