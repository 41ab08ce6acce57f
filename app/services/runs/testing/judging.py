"""What came of one test: its TestResult (contract 05), from the run that it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import config
from app.core import wire
from app.core.errors import RunError
from app.core.states import RunStatus
from app.core.wire import JSON
from app.engine.assertions import Assertion, ExpectedError, Verdict, read_assertion
from app.engine.doubles import is_not_mocked
from app.engine.planner import Plan
from app.services.runs.testing.evidence import TestedRun, Wanted, output_text, stages_of
from app.services.runs.testing.suite import Case

PASSED, FAILED, SKIPPED, ERRORED = "passed", "failed", "skipped", "errored"

Keep = Callable[[], None]  #: called between steps of the work; raises when it is to end


class Judged(NamedTuple):
    """How a test ended. `output` is JSON text, left out when `is_cut`; `assertions` are in wire
    form."""

    status: str
    run_id: str | None = None
    duration_ms: int = 0
    error: RunError | None = None
    output: str | None = None
    assertions: tuple[dict[str, JSON], ...] = ()
    is_cut: bool = False


def judge(case: Case, run: TestedRun, plan: Plan, keep: Keep) -> Judged:
    """Judges a test by its run, which is final."""
    text, took = output_text(run.id), run.duration_ms or 0
    why = _not_carried_out(run)
    if why is not None:
        return Judged(ERRORED, run.id, took, why, text)
    told = list(_told(case, run, plan, text, keep))
    is_met = all(each["passed"] for each in told)
    if run.status is RunStatus.FAILED and case.expect_error is None:
        is_met = False
    return Judged(PASSED if is_met else FAILED, run.id, took, run.error, text, tuple(told))


def _not_carried_out(run: TestedRun) -> RunError | None:
    """Why the run says nothing about the pipeline; None when it does."""
    if run.status is RunStatus.CANCELLED:
        return RunError("EXECUTION", "The run was cancelled.", details={"reason": "cancelled"})
    if run.error is None:
        return None
    # The limit of the test itself ends the run in no stage.
    is_over = run.error.type == "TIMEOUT" and run.error.stage_id is None
    return run.error if is_over or is_not_mocked(run.error) else None


def _told(
    case: Case, run: TestedRun, plan: Plan, output: str | None, keep: Keep
) -> Iterator[dict[str, JSON]]:
    own = [_read(raw) for raw in case.assertions]
    by_stage = {id: [_read(raw) for raw in raws] for id, raws in case.stage_assertions.items()}
    stages = stages_of(run, plan, _wanted(own, by_stage))
    root = {
        "output": None if output is None else wire.read(output),
        "status": run.status.value,
        "error": run.error and run.error.to_json(),
        "stages": stages,
    }
    for assertion in own:
        keep()
        yield _view(assertion, assertion.judge(root))
    for stage_id, assertions in by_stage.items():
        # A stage in a body that was never opened has nothing, not even null.
        there = {"": stages[stage_id]["output"]} if stage_id in stages else {}
        for assertion in assertions:
            keep()
            yield _view(assertion, _below(assertion).judge(there), stage_id)
    yield from _expectation(case, run)


def _below(assertion: Assertion) -> Assertion:
    """The assertion on the only member of an object, which may be missing."""
    return Assertion(
        assertion.path,
        ("", *assertion.steps),
        assertion.type,
        assertion.value,
        assertion.message,
        assertion.tolerance,
    )


def _read(raw: Mapping[str, JSON]) -> Assertion:
    assertion = read_assertion(raw)
    assert isinstance(assertion, Assertion), "it was checked when it was taken"
    return assertion


def _wanted(own: list[Assertion], by_stage: Mapping[str, Any]) -> Wanted:
    stages, outputs = set(by_stage), set(by_stage)
    for steps in (assertion.steps for assertion in own):
        if steps in ((), ("stages",)):
            return Wanted(None, None)
        if steps[0] == "stages":
            stages.add(steps[1])
            if steps[2:3] in ((), ("output",)):
                outputs.add(steps[1])
    return Wanted(frozenset(stages), frozenset(outputs))


def _view(assertion: Assertion, verdict: Verdict, stage_id: str | None = None) -> dict[str, JSON]:
    return {
        "path": assertion.path,
        "type": assertion.type,
        "stage_id": stage_id,
        "passed": verdict.passed,
        "expected": assertion.value,
        **_bounded(verdict.actual),
        "message": verdict.message,
    }


def _bounded(actual: JSON) -> dict[str, JSON]:
    """The member `actual`, or null and `actual_truncated` when it is longer than what events tell
    of an output."""
    if len(wire.dumps_bytes(actual)) > config.settings().event_output_bytes:
        return {"actual": None, "actual_truncated": True}
    return {"actual": actual}


def _expectation(case: Case, run: TestedRun) -> Iterator[dict[str, JSON]]:
    """A line for the error that was expected and did not come."""
    if case.expect_error is None:
        return
    why = ExpectedError(**case.expect_error).refusal(run.error)
    if why is not None:
        yield {
            "path": "error",
            "type": "expect_error",
            "stage_id": None,
            "passed": False,
            "expected": dict(case.expect_error),
            "actual": run.error and run.error.to_json(),
            "message": why,
        }
