"""Bells at a time: who parks a run remembers when to ring. Only a comfort; the sweep is the net."""

from __future__ import annotations

import contextlib
import heapq
import threading

from app.core import clock
from app.infra.broker import ring

_times: list[float] = []
_changed = threading.Condition()
_thread: threading.Thread | None = None


def ring_in(seconds: float) -> None:
    """Rings for a worker in `seconds`; at once when that is not in the future."""
    global _thread
    with _changed:
        heapq.heappush(_times, clock.monotonic() + max(0.0, seconds))
        if _thread is None:
            _thread = threading.Thread(target=_keep_ringing, name="alarms", daemon=True)
            _thread.start()
        _changed.notify()


def _keep_ringing() -> None:
    while True:
        _wait_for_next()
        # Redis may be away: the run is due in its table, and the sweep rings again.
        with contextlib.suppress(Exception):
            ring("runs")


def _wait_for_next() -> None:
    with _changed:
        while not _times or _times[0] > clock.monotonic():
            _changed.wait(_times[0] - clock.monotonic() if _times else None)
        heapq.heappop(_times)
