"""Waiting for the end of a test run, whatever Studio does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from app.cli.client import Client, Unreachable
from app.cli.exits import INTERRUPTED
from app.cli.output import note

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
#: How long a Studio that went away may take to be there again.
_AWAY_SECONDS = 30.0
_OPEN = ("pending", "running")


def wait_for_results(client: Client, test_id: str) -> dict[str, Any]:
    """The TestSuiteResult, with notes on the way; Ctrl-C ends the command and not the tests.
    Raises Unreachable when Studio stays away."""
    try:
        return TestRunFollower(client, test_id, _tell_lost).results(_tell_progress)
    except KeyboardInterrupt:
        note(f"\nThe tests go on. Look at them: {client.curl(f'/api/v1/tests/{test_id}/results')}")
        click.get_current_context().exit(INTERRUPTED)


def _tell_progress(completed: int, total: int) -> None:
    note(f"{completed} of {total} tests are over.")


def _tell_lost() -> None:
    note("Studio does not answer any more; it is asked again for 30 s.")


class TestRunFollower:
    """Asks for one test run; `lost` is called each time Studio does not answer any more."""

    __test__ = False

    def __init__(self, client: Client, test_id: str, lost: Callable[[], None]) -> None:
        self._client, self._path, self._lost = client, f"/api/v1/tests/{test_id}", lost
        self._away_until: float | None = None

    def results(self, show: Callable[[int, int], None]) -> dict[str, Any]:
        """The TestSuiteResult, once there is one. `show` is told how many tests are over, of how
        many, whenever that changed. Raises Unreachable when Studio stays away."""
        pause, shown = _FIRST_PAUSE_SECONDS, None
        while True:
            status = self._ask("status")
            progress = (status["progress"]["completed"], status["progress"]["total"])
            if progress != shown:
                show(*progress)
                pause, shown = _FIRST_PAUSE_SECONDS, progress
            if status["status"] not in _OPEN:
                return self._ask("results")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def _ask(self, what: str) -> dict[str, Any]:
        while True:
            try:
                found: dict[str, Any] = self._client.get(f"{self._path}/{what}")
                self._away_until = None
                return found
            except Unreachable:
                if self._away_until is None:
                    self._away_until = time.monotonic() + _AWAY_SECONDS
                    self._lost()
                if time.monotonic() > self._away_until:
                    raise
            time.sleep(_LONGEST_PAUSE_SECONDS / 2)
