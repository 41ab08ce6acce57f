"""The results of tests as lines for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from app.cli.output import blocks, duration, one_line
from app.cli.runs.telling import told_error

Result = dict[str, Any]

_SHOWN = 200  # characters of a value
_MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped", "errored": "ERROR"}


def report(results: Result) -> Iterator[str]:
    """A line for each test, below it what was wrong, at last the sums."""
    tests = results["tests"]
    yield from blocks([_head(test) for test in tests], map(reasons, tests))
    yield ""
    yield _sums(results)


def _head(test: Result) -> list[str]:
    ran = test["run_id"] is not None
    took = duration(test["duration_ms"]) if ran else ""
    shown = test["run_id"] if ran and test["status"] in ("failed", "errored") else ""
    return [_MARKS[test["status"]], one_line(test["name"]), took, shown]


def reasons(test: Result) -> Iterator[str]:
    """Why a test did not pass: its error, then each assertion that failed with what was expected
    and what was there."""
    if test["status"] not in ("failed", "errored"):
        return
    if test["error"]:
        at = test["error"]["stage_id"]
        yield one_line(f"{f'{at}: ' if at else ''}{told_error(test['error'])}")
        yield from _input_errors(test["error"])
    for each in test["assertions"]:
        if not each["passed"]:
            yield from _assertion(each)


def _input_errors(error: Result) -> Iterator[str]:
    errors = error["details"].get("errors")
    for pointer, sentences in (errors or {}).items():
        yield one_line(f"  {pointer or 'the input'}: {' '.join(map(str, sentences))}")


def _assertion(each: Result) -> Iterator[str]:
    at = f"{each['stage_id']}: " if each["stage_id"] else ""
    yield one_line(f"{at}{each['message']}")
    if each["type"] not in ("exists", "notExists"):
        actual = "too long to be told" if each.get("actual_truncated") else _json(each["actual"])
        yield f"  expected: {each['type']} {_json(each['expected'])}"
        yield f"  actual:   {actual}"


def _json(value: Any) -> str:
    text = one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _sums(results: Result) -> str:
    summary, coverage = results["summary"], results["coverage"]
    named = ("passed", "failed", "errored", "skipped")
    counts = ", ".join(f"{summary[name]} {name}" for name in named if summary[name])
    seen = f"{coverage['executed_stages']} of {coverage['total_stages']} stages"
    took = duration(results["duration_ms"])
    return f"{counts} in {took}; {seen} covered ({coverage['percentage']:g} %)."
