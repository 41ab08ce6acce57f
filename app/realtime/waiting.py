"""Waiting until one run has ended or paused: a reader of the hub that only wants to know that."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.core import clock, wire
from app.core.errors import Unavailable
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.realtime.hub import Hub
from app.realtime.outbox import Live
from app.realtime.ports import Journals

RETRY_SECONDS = 1.0
#: A paused run waits for a person, which may take longer than any request.
_SETTLED = frozenset(status for status in RunStatus if is_final(status)) | {RunStatus.PAUSED}
#: The events that tell of those statuses.
_TOLD = frozenset({f"run_{status}" for status in _SETTLED} | {"execution_paused"})


class Waiting:
    """One waiting request. Its run is asked for only when something says that it has moved."""

    def __init__(
        self,
        house: Journals,
        hub: Hub,
        who: Principal,
        run_id: str,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._house, self._hub, self._who, self._run_id = house, hub, who, run_id
        self._monotonic = monotonic
        self._bell = threading.Event()
        self._seen = 0
        self._closed = False

    # From any thread

    def event(self, event: Live) -> None:
        """Takes an event of the bus."""
        if event.seq is not None and wire.read(event.text).get("type") in _TOLD:
            self._bell.set()

    def nudge(self, run_id: str, head: int) -> None:
        """The journal holds events up to `head`."""
        if head > self._seen:
            self._bell.set()

    def close(self, code: int) -> None:
        """This process ends: the run goes on elsewhere, the request is answered now."""
        self._closed = True
        self._bell.set()

    # The request's own thread

    def wait(self, seconds: float) -> None:
        """Returns when the run is final or paused, this process ends, or `seconds` are over.

        Raises NotFound.
        """
        give_up_at = self._monotonic() + seconds
        self._hub.register(self)
        try:
            # Joined before the run is asked for: what happens after that comes over the bus.
            self._hub.join(self._run_id, self)
            while (pause := self._pause_seconds(give_up_at)) > 0:
                self._bell.wait(pause)
        finally:
            self._hub.leave(self._run_id, self)
            self._hub.unregister(self)

    def _pause_seconds(self, give_up_at: float) -> float:
        """How long to wait for the bell; 0 when nothing is to be waited for any more."""
        self._bell.clear()
        left = give_up_at - self._monotonic()
        try:
            head = self._house.find(self._who, self._run_id)
        except Unavailable:
            return 0 if self._closed else min(left, RETRY_SECONDS)
        self._seen = head["last_seq"]
        return 0 if self._closed or head["status"] in _SETTLED else left
