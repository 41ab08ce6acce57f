"""Taking a suite: checked in whole, stored, and a bell for who carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.core import clock, wire
from app.core.errors import InvalidPipeline, Problem, Unavailable, ValidationFailed
from app.core.ids import new_id
from app.core.principal import Principal
from app.core.wire import JSON
from app.infra.broker import ring
from app.infra.database import after_commit, statement
from app.models import journal_sql
from app.services.pipelines.documents import resolve
from app.services.pipelines.saving import checked
from app.services.runs.start import Idempotency, find_key, key_row
from app.services.runs.testing.cases import cases_of
from app.services.runs.testing.checking import check_tests
from app.services.runs.testing.recording import find_recorded
from app.services.runs.testing.suite import Subject, Suite
from app.services.runs.variants import Variant


@dataclass(frozen=True, slots=True)
class Asked:
    """A test run that was taken; `replayed` when an earlier request with the same key asked."""

    test_id: str
    replayed: bool = False


def run_tests(
    who: Principal,
    *,
    pipeline_id: str | None = None,
    document: Mapping[str, JSON] | None = None,
    from_run: str | None = None,
    suite: Mapping[str, Any] | None = None,
    fail_fast: bool = False,
    idempotency: Idempotency | None = None,
) -> Asked:
    """Takes a suite of tests of a saved pipeline, of a document or of what a recorded run executed.

    Raises ValidationFailed for all that is wrong with the tests, InvalidPipeline for the document;
    NotFound for an unknown pipeline or run; IdempotencyMismatch.
    """
    earlier = _earlier(who, idempotency)
    if earlier is not None:
        return earlier
    _check_shape(pipeline_id, document, from_run, suite)
    recorded = find_recorded(who, from_run) if from_run is not None else None
    subject = recorded.subject if recorded else _subject(who, pipeline_id, document)
    if suite is None:
        assert recorded is not None, "the shape was checked"
        name, cases = recorded.run_id, [recorded.case()]
    else:
        plan = subject.plan()
        check_tests(plan, suite["tests"])
        name, cases = suite["name"], cases_of(who, plan, suite["tests"], recorded)
    by = who.user_id or who.client_id
    taken = Suite(name, cases, subject, fail_fast, by, who.auth_type)
    return _store(who, taken, idempotency)


def _check_shape(
    pipeline_id: str | None,
    document: Mapping[str, JSON] | None,
    from_run: str | None,
    suite: Mapping[str, Any] | None,
) -> None:
    given = [each for each in (pipeline_id, document, from_run) if each is not None]
    if len(given) != 1:
        sentence = "Give exactly one of pipeline_id, document and from_run."
        raise ValidationFailed({"": [sentence]})
    if suite is None and from_run is None:
        raise ValidationFailed({"/suite": ["Without from_run a suite is required."]})


def _subject(
    who: Principal, pipeline_id: str | None, document: Mapping[str, JSON] | None
) -> Subject:
    if document is None:
        version = resolve(who, pipeline_id or "")
        return Subject(version.pipeline_id, version.id, version.pipeline_name, version.version)
    try:
        whole = checked(who, document)
    except InvalidPipeline as refused:
        raise InvalidPipeline([_below_document(each) for each in refused.problems]) from None
    name, version_text = whole["name"], whole["version"] or ""
    return Subject("", "", name, version_text, Variant(document=whole).text())


def _below_document(problem: Problem) -> Problem:
    return replace(problem, pointer=f"/document{problem.pointer}")


def _store(who: Principal, suite: Suite, idempotency: Idempotency | None) -> Asked:
    subject, test_id = suite.subject, new_id("tst")
    row = {
        "id": test_id,
        "created_at": clock.text(clock.now()),
        "org_id": who.org_id,
        "status": "pending",
        "pipeline_id": subject.pipeline_id or None,
        # What differs from the version proves nothing of it.
        "pipeline_version": None if subject.variant else subject.pipeline_version,
        "request": wire.dumps(suite.to_json()),
        "completed": 0,
        "total": len(suite.cases),
        "breakpoints": "[]",
    }
    with statement():
        taken = journal_sql.accept_test_run(row, key_row(idempotency, row))
    if taken:
        after_commit(lambda: ring("tests"))
        return Asked(test_id)
    earlier = _earlier(who, idempotency)
    if earlier is None:
        raise Unavailable("The key expired this moment; send the request once more.")
    return earlier


def _earlier(who: Principal, idempotency: Idempotency | None) -> Asked | None:
    """What the first request with this key has asked for. Raises IdempotencyMismatch."""
    held = find_key(who, idempotency)
    return None if held is None else Asked(held.run_id, replayed=True)
