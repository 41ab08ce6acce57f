"""The runs of tests: ordinary pending runs, taken by ordinary workers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import config
from app.core import clock, wire
from app.core.errors import LeaseLost
from app.core.ids import new_id
from app.core.states import RunStatus, TriggerType
from app.core.wire import JSON
from app.engine.planner import Plan
from app.engine.schema import compile_schema
from app.infra.broker import ring
from app.infra.database import after_commit, transaction
from app.models import journal_sql
from app.models.runs import PRIORITIES
from app.services.runs.testing.suite import Case, Suite
from app.services.runs.variants import read_variant


def start_cases(test_run: Any, suite: Suite, cases: Sequence[Case]) -> int:
    """Starts the runs of tests that have none, and renews the lease on the test run; returns how
    many: none when the pipeline is deleted. Raises LeaseLost, having started nothing."""
    lease = config.settings().lease_seconds
    with transaction():
        if not journal_sql.keep_test_run(test_run["id"], test_run["epoch"], lease):
            raise LeaseLost(test_run["id"])
        rows = [_row(test_run, suite, case) for case in cases]
        started = sum(journal_sql.accept(row) for row in rows)
        if started:
            after_commit(lambda: ring("runs", started))
    return started


def input_errors(plan: Plan, input: Mapping[str, JSON]) -> dict[str, list[str]]:
    """What a pipeline's input_schema has against an input, by pointers into it."""
    errors: dict[str, list[str]] = {}
    for pointer, sentence, _ in compile_schema(plan.document.input_schema).errors(input):
        errors.setdefault(pointer, []).append(sentence)
    return errors


def _row(test_run: Any, suite: Suite, case: Case) -> dict[str, Any]:
    subject = suite.subject
    variables = {**subject.variables, **case.variables}
    variant = replace(
        read_variant(subject.variant),
        mocks=case.mocks,
        live=tuple(case.live),
        timeout_ms=case.timeout_ms,
    )
    return {
        "id": new_id("run"),
        "created_at": clock.text(clock.now()),
        "org_id": test_run["org_id"],
        "pipeline_id": subject.pipeline_id,
        "pipeline_version_id": subject.version_id,
        "pipeline_name": subject.pipeline_name,
        "pipeline_version": subject.pipeline_version,
        "status": RunStatus.PENDING.value,
        "input": wire.dumps(case.input),
        "variables": wire.dumps(variables) if variables else None,
        "priority": PRIORITIES.index("normal"),
        "trigger_type": TriggerType.TEST.value,
        "trigger_id": test_run["id"],
        "parent_run_id": None,
        "forked_from_run_id": None,
        "forked_from_snapshot_id": None,
        "created_by": suite.created_by,
        "auth_type": suite.auth_type,
        "metadata": wire.dumps({"suite": suite.name, "test": case.name}),
        "breakpoints": "[]",
        "control": None,
        "document": variant.text(),
        "trace_id": secrets.token_hex(16),
    }
