"""A suite in the form in which `test_runs.request` keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.core.wire import JSON
from app.engine.planner import Plan, PlannedStage
from app.services.runs.variants import plan_of_run

TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Case:
    """One test; members as in contract 05, Test, with the defaults of a recorded run put in.

    `variables` are those that its run begins with, over those of the subject.
    `expect_error` has the members of `ExpectedError`, None when the run is to complete.
    """

    name: str
    input: Mapping[str, JSON] = field(default_factory=dict)
    mocks: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    live: Sequence[str] = ()
    assertions: Sequence[Mapping[str, JSON]] = ()
    stage_assertions: Mapping[str, Sequence[Mapping[str, JSON]]] = field(default_factory=dict)
    expect_error: Mapping[str, str | None] | None = None
    timeout_ms: int = TIMEOUT_MS
    skip: bool = False
    variables: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tested: a saved version, or a document that is not saved, whose ids are empty.

    `variant` is the text of what all its runs have in common beyond the version (`Variant`), None
    for nothing; `variables` are those that they begin with.
    """

    pipeline_id: str
    version_id: str
    pipeline_name: str
    pipeline_version: str
    variant: str | None = None
    variables: Mapping[str, JSON] = field(default_factory=dict)

    def plan(self) -> Plan:
        """The plan of what is executed. Raises InvalidPipeline when it cannot be any more."""
        return plan_of_run(self.version_id, self.variant)


@dataclass(frozen=True, slots=True)
class Suite:
    """All that is needed to carry it out; `created_by` and `auth_type` are who asked."""

    name: str
    cases: Sequence[Case]
    subject: Subject
    fail_fast: bool
    created_by: str | None
    auth_type: str

    def to_json(self) -> dict[str, JSON]:
        """The form that is stored."""
        return asdict(self)


def read_suite(stored: Mapping[str, Any]) -> Suite:
    """The suite of a stored form."""
    return Suite(
        **{
            **stored,
            "cases": [Case(**case) for case in stored["cases"]],
            "subject": Subject(**stored["subject"]),
        }
    )


def mock_of(planned: PlannedStage, mocks: Mapping[str, JSON]) -> JSON:
    """What of `mocks` answers for a stage: its own first, then that of its component type."""
    return mocks.get(planned.stage.id) or mocks.get(planned.component.type)
