"""The events of a run over HTTP, from the first to the last, whatever Studio does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from app.cli.client import Client, Unreachable, run_path
from app.cli.home import Refused
from app.core.states import RunStatus, is_final

Event = dict[str, Any]

FINAL = ("run_completed", "run_failed", "run_cancelled")

#: Events that are asked for at once, at most.
_PAGE = 1000
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
#: How long a Studio that went away may take to be there again.
_AWAY_SECONDS = 30.0
_AWAY_PAUSE_SECONDS = 0.5


class StillRunning(Refused):
    """The run took longer than somebody would wait; it goes on."""


class Follower:
    """Gives the events of one run in order, each once, from the one after `after_seq`.

    `timeout_seconds`: how long the last may be waited for. `lost` is called each time Studio does
    not answer any more; it is asked again for 30 s. `caught_up` is called when all that has
    happened so far is given.
    """

    def __init__(
        self,
        client: Client,
        run_id: str,
        timeout_seconds: float | None = None,
        lost: Callable[[], None] = lambda: None,
        after_seq: int = 0,
        caught_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._run = run_path(run_id)
        self._after_seq = after_seq
        self._timeout_seconds = timeout_seconds
        self._lost = lost
        self._caught_up = caught_up
        self._give_up_at = time.monotonic() + (timeout_seconds or float("inf"))

    def __iter__(self) -> Iterator[Event]:
        """Raises StillRunning when the time is over, Unreachable when Studio stays away."""
        seq, pause = self._after_seq, _FIRST_PAUSE_SECONDS
        while True:
            is_over = self._after_seq > 0 and self._is_over()
            page = self._page(seq)
            for event in page["items"]:
                seq = event["seq"]
                yield event
                if event["type"] in FINAL:
                    return
            if page["next"] is None:
                if is_over:
                    return  # the last event stands before the one to begin after
                self._caught_up()
                # Ask less often the longer nothing happens.
                pause = _FIRST_PAUSE_SECONDS if page["items"] else self._longer(pause)
                self._wait(pause)

    def so_far(self) -> Iterator[Event]:
        """Only what has happened until now. Raises Unreachable when Studio stays away."""
        seq: int | None = self._after_seq
        while seq is not None:
            page = self._page(seq)
            yield from page["items"]
            seq = page["next"]

    def run(self) -> dict[str, Any]:
        """The run as it is now. Raises as following does."""
        return self._ask(self._run)

    def _page(self, seq: int) -> dict[str, Any]:
        return self._ask(f"{self._run}/events?after_seq={seq}&limit={_PAGE}")

    def _is_over(self) -> bool:
        return is_final(RunStatus(self._ask(f"{self._run}/status")["status"]))

    def _ask(self, path: str) -> dict[str, Any]:
        away_until = None
        while True:
            try:
                return self._client.get(path)
            except Unreachable:
                if away_until is None:
                    away_until = time.monotonic() + _AWAY_SECONDS
                    self._lost()
                if time.monotonic() > away_until:
                    raise
            self._wait(_AWAY_PAUSE_SECONDS)

    def _longer(self, pause: float) -> float:
        return min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def _wait(self, seconds: float) -> None:
        left = self._give_up_at - time.monotonic()
        if left <= 0:
            raise StillRunning(f"The run did not end within {self._timeout_seconds:g} s.")
        time.sleep(min(seconds, left))
