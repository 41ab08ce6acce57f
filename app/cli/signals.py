"""Waiting for a signal or for time to pass, whichever is first."""

from __future__ import annotations

import select
import signal
import socket
from types import TracebackType
from typing import Any

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """While open, signals that ask to end are counted in `asked` instead of ending the process."""

    def __init__(self) -> None:
        self.asked = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._fd_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in _ENDING:
            self._before[number] = signal.signal(number, self._count)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        self._read.close()
        self._write.close()

    def _count(self, number: int, frame: object) -> None:
        self.asked += 1

    def wait(self, seconds: float) -> None:
        """Returns after so many seconds, or as soon as a signal comes: a child's death too."""
        if select.select([self._read], [], [], seconds)[0]:
            self._read.recv(4096)
