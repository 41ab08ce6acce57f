"""A whole Studio, and a bare floor of the same parts, as real processes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import KEYS, own_redis

PROJECT = str(Path(__file__).resolve().parents[2])


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def studio(database_url: str | None, workers: int = 2) -> Iterator[str]:
    """`fm studio start` in an empty folder; gives its URL. None: SQLite in that folder."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="fm-") as folder:
        environment = {
            **os.environ,
            "FLOWMASON_HOME": folder,
            "LOG_LEVEL": "warning",
            "RATE_LIMIT_PER_MINUTE": "0",
            **({**KEYS, "DATABASE_URL": database_url} if database_url else {}),
        }
        fm = [sys.executable, "-m", "app.cli", "studio"]
        start = [*fm, "start", "--port", str(port), "--workers", str(workers)]
        subprocess.run(start, env=environment, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop = [*fm, "stop"]
            subprocess.run(stop, env=environment, cwd=PROJECT, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def floor(workers: int = 2) -> Iterator[str]:
    """A Flask route that enqueues a no-op actor, and workers that run it; gives its URL."""
    port = free_port()
    with own_redis() as url:
        environment = {
            **os.environ,
            "FLOOR_REDIS": url,
            "dramatiq_worker_timeout": "1000",
            "dramatiq_queue_prefetch": "8",
        }
        web = ["gunicorn", "-k", "gevent", "-b", f"127.0.0.1:{port}", "tests.bench.floor:app"]
        work = ["dramatiq", "tests.bench.floor", "-Q", "runs", "-p", str(workers), "-t", "8"]
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", *command],
                env=environment,
                cwd=PROJECT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for command in (web, work)
        ]
        try:
            _wait_for(f"http://127.0.0.1:{port}/done")
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in processes:
                process.terminate()
                process.wait(30)


def _wait_for(url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1)
            time.sleep(2)  # the workers have no door to knock at
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
