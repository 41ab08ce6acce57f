"""What happens around a worker process's life: threads start, runs are handed back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import dramatiq

from app.infra import database, egress
from app.services.runs import drive
from config import Settings
from workers import threads


class Hooks(dramatiq.Middleware):
    """Called by Dramatiq in each worker process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def after_worker_boot(self, broker: Any, worker: Any) -> None:
        """Starts the small threads; from now on only vetted connections leave the process."""
        hear_the_end_once()
        egress.install_audit_hook(egress.client().guard, own_endpoints(self.settings))
        threads.start_all()

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """SIGTERM: coordinators start nothing more and hand their runs back."""
        drive.stop_driving()

    def before_worker_thread_shutdown(self, broker: Any, thread: Any) -> None:
        """Gives the thread's connection back."""
        database.release()


def hear_the_end_once() -> None:
    """Ends this process gracefully however often it is asked to.

    A platform may signal every process of a group, and Dramatiq's main process passes the signal
    on: the second one would kill where runs are just being handed back. SIGKILL remains.
    """
    first = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if callable(first):
            first(number, frame)

    signal.signal(signal.SIGTERM, end)


def own_endpoints(settings: Settings) -> Iterator[egress.Endpoint]:
    """Where Studio itself connects: its Redis. libpq and SQLite open what Python does not see."""
    for url in {settings.redis_url, settings.broker_url}:
        parts = urlsplit(url or "")
        if parts.scheme == "unix":
            yield parts.path
        elif parts.hostname:
            yield parts.hostname, parts.port or 6379
