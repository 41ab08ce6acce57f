"""TestSuiteResult (contract 05): the results of all tests, and what they saw of the pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import config
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.planner import Plan
from app.services.runs.events import embedded
from app.services.runs.testing.evidence import statuses_of
from app.services.runs.testing.judging import ERRORED, FAILED, PASSED, SKIPPED, Judged
from app.services.runs.testing.suite import Case, mock_of

#: What is known of a stage, the best first.
_SEEN = ("executed", "mocked", "failed", "skipped", "not_reached")
_RAN = ("executed", "mocked", "failed")


class Coverage:
    """What all tests together saw of the stages."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stages = dict.fromkeys(plan.stages, _SEEN[-1])

    def add(self, case: Case, run_id: str) -> None:
        """Takes in what the run of a test did."""
        for stage_id, statuses in statuses_of(run_id).items():
            is_mocked = mock_of(self._plan.stages[stage_id], case.mocks) is not None
            for seen in (_seen(status, is_mocked) for status in statuses):
                self._stages[stage_id] = min(self._stages[stage_id], seen, key=_SEEN.index)

    def to_json(self) -> dict[str, JSON]:
        """The wire form; `executed_stages` are all that ran or were answered for by a mock."""
        total = len(self._stages)
        ran = sum(seen in _RAN for seen in self._stages.values())
        return {
            "total_stages": total,
            "executed_stages": ran,
            "percentage": round(100 * ran / total, 1) if total else 100.0,
            "stages": self._stages,
        }


#: Of a pipeline that cannot be executed.
NO_COVERAGE: Mapping[str, JSON] = {
    "total_stages": 0,
    "executed_stages": 0,
    "percentage": 0.0,
    "stages": {},
}


def _seen(status: StageStatus, is_mocked: bool) -> str:
    if status is StageStatus.SKIPPED:
        return "skipped"
    if is_mocked:
        return "mocked"
    return "executed" if status is StageStatus.COMPLETED else "failed"


def status_of(judged: Iterable[Judged]) -> str:
    """How a suite ended whose tests ended so."""
    found = {each.status for each in judged}
    return next((status for status in (FAILED, ERRORED) if status in found), PASSED)


def bounded(judged: Iterable[Judged]) -> Iterator[Judged]:
    """The same with outputs in this order as long as their sum stays within
    FLOWMASON_MAX_OUTPUT_BYTES, as in other answers."""
    left = config.settings().max_output_bytes
    for each in judged:
        size = len((each.output or "").encode())
        if size > left:
            yield each._replace(output=None, is_cut=True)
        else:
            left -= size
            yield each


def results(cases: Sequence[Case], judged: Sequence[Judged]) -> list[dict[str, JSON]]:
    """TestResult of each test."""
    return [_result(case, each) for case, each in zip(cases, judged, strict=True)]


def _result(case: Case, judged: Judged) -> dict[str, JSON]:
    return {
        "name": case.name,
        "status": judged.status,
        "run_id": judged.run_id,
        "duration_ms": judged.duration_ms,
        "error": judged.error and judged.error.to_json(),
        "output": embedded(judged.output),
        **({"output_truncated": True} if judged.is_cut else {}),
        "assertions": list(judged.assertions),
    }


def summary(judged: Sequence[Judged]) -> Mapping[str, Any]:
    """How many tests ended how."""
    count = Counter(each.status for each in judged)
    named = (PASSED, FAILED, SKIPPED, ERRORED)
    return {"total": len(judged), **{status: count[status] for status in named}}
