"""Comparisons in the form of test results, which reports are written of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.cli.comparing.comparison import Comparison
from app.cli.comparing.telling import reasons
from app.cli.testing.junit import write_junit

_STATUSES = {"same": "passed", "allowed": "passed", "differs": "failed", "errored": "errored"}


def write_report(
    comparisons: Sequence[Comparison], suite: dict[str, Any], too_much: str | None, path: Path
) -> None:
    """Writes JUnit XML: a test case for each run, and one for the cost when it is `too_much`.
    `suite` is the TestSuiteResult. Raises Refused when it cannot be written."""
    tests = [_result(each) for each in comparisons]
    why = {each.run_id: list(reasons(each)) for each in comparisons}
    if too_much is not None:
        tests.append(_of_cost())
        why[tests[-1]["name"]] = [too_much]
    results = {**suite, "tests": tests, "summary": _summary(tests)}
    write_junit(results, path, "fm ci", lambda test: why[test["name"]])


def _result(each: Comparison) -> dict[str, Any]:
    # A run that failed as it was recorded to is no failure, whatever error it has.
    error = each.test["error"] if each.errors else None
    return {**each.test, "status": _STATUSES[each.verdict], "error": error}


def _of_cost() -> dict[str, Any]:
    nothing = {"run_id": None, "duration_ms": 0, "error": None}
    return {"name": "max-cost-increase", "status": "failed", **nothing}


def _summary(tests: Sequence[dict[str, Any]]) -> dict[str, int]:
    count = Counter(test["status"] for test in tests)
    named = ("passed", "failed", "skipped", "errored")
    return {"total": len(tests), **{status: count[status] for status in named}}
