"""Waiting for a test run over a Studio that goes away."""

from __future__ import annotations

import pytest

from app.cli.client import Unreachable
from app.cli.testing import waiting
from app.cli.testing.waiting import TestRunFollower


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Client:
    """Answers from a script; an answer that is None is none."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def get(self, path):
        self.asked.append(path)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise Unreachable("away")
        return answer


def status(name, completed, total=2):
    return {"status": name, "progress": {"completed": completed, "total": total}}


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def followed(*answers):
    """Results, progress as told, and how often Studio was told to be lost."""
    told, lost = [], []
    client = Client(*answers)
    follower = TestRunFollower(client, "tst-1", lambda: lost.append(1))
    return follower.results(lambda *progress: told.append(progress)), told, len(lost)


def test_progress_is_told_when_it_changes(clock):
    running = status("running", 1)

    results, told, _ = followed(
        status("pending", 0), running, running, status("passed", 2), {"name": "s"}
    )

    assert (results, told) == ({"name": "s"}, [(0, 2), (1, 2), (2, 2)])


def test_studio_that_goes_away_is_asked_again(clock):
    results, told, lost = followed(status("running", 0), None, None, status("passed", 2), {})

    assert (results, told, lost) == ({}, [(0, 2), (2, 2)], 1)


def test_studio_that_stays_away_is_given_up_after_thirty_seconds(clock):
    with pytest.raises(Unreachable):
        followed(status("running", 0), None)

    assert 30 < clock.now < 35
