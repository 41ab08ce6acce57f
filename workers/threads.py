"""The small threads of a worker process: heartbeat, flusher, control, counters, sweep."""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable

import config
from app.infra import counters, database
from app.services.runs import calls, claim, drive, journal, listening, recover

log = logging.getLogger(__name__)

_FLUSH_POLL_SECONDS = 0.02
_COUNT_SECONDS = 5.0
_STUCK_THREADS = 2


def start_all() -> None:
    """Starts all of them; they end with the process. What stands by now is no garbage."""
    gc.collect()
    gc.freeze()
    _start("heartbeat", _heartbeat)
    _start("flusher", _flusher)
    listening.listen()
    _start("counters", _counters)
    start_sweep()


def start_sweep() -> None:
    """Starts the sweep alone, as the scheduler does."""
    _start("sweep", _sweep)


def _start(name: str, target: Callable[[], None]) -> None:
    threading.Thread(target=target, name=name, daemon=True).start()


def _each(seconds: float, act: Callable[[], object]) -> None:
    while True:
        time.sleep(seconds)
        _survive(act)


def _survive(act: Callable[[], object]) -> None:
    # A thread of the house outlives every bad moment of the database or of Redis.
    try:
        act()
    except Exception:
        log.warning("try again", extra={"action": "thread_failed"}, exc_info=True)
        database.release()
        time.sleep(0.5)


def _heartbeat() -> None:
    _each(config.settings().lease_seconds / 3, _beat)


def _beat() -> None:
    claim.beat()
    if calls.stuck() >= _STUCK_THREADS:
        # Threads cannot be ended from outside; a new process has all of its own.
        log.error("stages never gave their threads back", extra={"action": "worker_gives_up"})
        drive.stop_driving()
        signal.raise_signal(signal.SIGTERM)


def _flusher() -> None:
    while True:
        journal.some_open.wait()
        time.sleep(_FLUSH_POLL_SECONDS)
        _survive(journal.flush_old)


def _counters() -> None:
    _each(_COUNT_SECONDS, counters.flush)


def _sweep() -> None:
    _each(recover.SWEEP_SECONDS, recover.sweep_if_elected)
