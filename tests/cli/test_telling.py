"""Each event of a run is a line that a person understands."""

import pytest

from app.cli.runs.telling import line
from tests.cli.scripted import completed, ended, stage, started

PATHS = {"iteration_path": [1, 4]}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (started("a"), "greet 1.0.0 started"),
        (stage("started", "a"), "a started"),
        (stage("started", "a", attempt=3), "a started, attempt 3"),
        (completed("a", **PATHS), "a[1.4] completed in 5 ms"),
        (stage("skipped", "a", reason="branch"), "a skipped: branch"),
        (stage("failed", "a", error={"type": "T", "message": "no\x1b[2J"}), "a failed: T: no [2J"),
        (stage("failed", "a", error=None), "a failed: for an unknown reason"),
        ({"type": "execution_paused", "reason": "step"}, "paused: step"),
        ({"type": "execution_resumed", "reason": "recovery"}, "resumed: recovery"),
        (ended("failed"), "failed in 12 ms"),
    ],
)
def test_event_is_a_line(event, words):
    assert line({"seq": 7, **event}) == f"    7  {words}"


def test_event_of_a_later_version_is_no_line():
    assert line({"seq": 7, "type": "stream_start", "stage_id": "a"}) is None
