"""One child process of the supervisor: started, watched, started again, stopped."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Callable

from app.cli.process import born, kill_group, signal_process

log = logging.getLogger(__name__)

Spawn = Callable[[], "subprocess.Popen[bytes]"]

_STABLE_SECONDS = 10.0
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 10.0


class Child:
    """A process that shall run. `spawn` starts it as the leader of a process group of its own."""

    def __init__(self, name: str, spawn: Spawn) -> None:
        self.name = name
        self._spawn = spawn
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._quick_deaths = 0
        self._start_at: float | None = None

    def start(self) -> None:
        """Starts the process."""
        self._process = self._spawn()
        self._started = time.monotonic()
        log.info("%s started", self.name, extra={"action": "child_started", "child_pid": self.pid})

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process as it was last started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process

    @property
    def pid(self) -> int:
        """Its pid, which is its group's number too."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def identity(self) -> tuple[int, str]:
        """Its pid and birth, for the record."""
        return self.pid, born(self.pid) or ""

    def revive(self, now: float) -> bool:
        """Starts it again when it died, not at once when it dies often; True when it started.

        `now` is monotonic seconds.
        """
        if self.is_alive:
            return False
        if self._start_at is None:
            self._start_at = now + self._bury(now)
        if now < self._start_at:
            return False
        self._start_at = None
        self.start()
        return True

    def _bury(self, now: float) -> float:
        """Ends what the dead process left in its group; returns the seconds to wait."""
        kill_group(self.pid)
        code = self.process.returncode
        log.warning(
            "%s ended by itself", self.name, extra={"action": "child_died", "exit_code": code}
        )
        if now - self._started > _STABLE_SECONDS:
            self._quick_deaths = 0
        self._quick_deaths += 1
        if self._quick_deaths == 1:
            return 0.0
        delay: float = _FIRST_DELAY_SECONDS * 2 ** (self._quick_deaths - 2)
        return min(_LONGEST_DELAY_SECONDS, delay)

    def ask_to_end(self) -> None:
        """Asks it to end gracefully."""
        if self.is_alive:
            signal_process(self.pid, signal.SIGTERM)

    def end(self) -> None:
        """Ends it and all of its group at once."""
        if self._process is not None:
            kill_group(self.pid)
            self._process.wait()
