"""The notation of expected events: it accepts what it says, and nothing else."""

from __future__ import annotations

import pytest

from tests.pipelines.notation import difference, line_of

AT_ONCE = ["start p", [["ran a"], ["start b", "fail b: continued"]], "done p"]


def event(type, **members):
    return {
        "type": type,
        "stage_id": "s",
        "iteration_path": [],
        "round": 0,
        "attempt": 1,
        **members,
    }


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (event("stage_started"), "start s"),
        (event("stage_completed", iteration_path=[2, 0]), "done s[2.0]"),
        (event("stage_started", round=1, attempt=2), "start s r1 x2"),
        (event("stage_failed", continued=False), "fail s"),
        (event("stage_failed", continued=True), "fail s: continued"),
        (event("stage_skipped", attempt=0, reason="branch"), "skip s: branch"),
    ],
)
def test_an_event_has_its_line(told, line):
    assert line_of(told) == line


@pytest.mark.parametrize(
    "told",
    [
        ["start p", "start a", "done a", "start b", "fail b: continued", "done p"],
        ["start p", "start b", "start a", "fail b: continued", "done a", "done p"],
    ],
)
def test_what_goes_on_at_once_may_interleave(told):
    assert difference(AT_ONCE, told) is None


@pytest.mark.parametrize(
    "told",
    [
        [],
        ["start p"],
        ["start p", "start a", "done a", "start b", "fail b: continued"],
        ["start p", "done a", "start a", "start b", "fail b: continued", "done p"],
        ["start p", "start a", "done a", "start b", "done p", "fail b: continued"],
        ["start p", "start a", "done a", "start b", "fail b", "done p"],
        ["start p", "start a", "done a", "start b", "fail b: continued", "done p", "start c"],
        ["start p", "start a", "start a", "done a", "start b", "fail b: continued", "done p"],
    ],
)
def test_another_order_or_number_is_a_difference(told):
    assert difference(AT_ONCE, told) is not None


def test_without_events_nothing_is_expected():
    assert difference([], []) is None
    assert difference([], ["start a"]) is not None


@pytest.mark.parametrize(
    "line", ["a", "ran", "began a", "start a[x]", "skip a:branch", "done a x2 r1"]
)
def test_a_line_that_tells_no_event_is_refused(line):
    with pytest.raises(ValueError):
        difference([line], [])
