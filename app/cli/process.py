"""Processes by pid and time of birth, so that a pid given out again is not mistaken for ours."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_START_TIME_FIELD = 22  # proc(5), counted from 1


def born(pid: int) -> str | None:
    """When the process began, in the words of its system; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return _born_by_ps(pid) if sys.platform != "linux" else None
    except ProcessLookupError:
        return None
    after_name = stat.rpartition(")")[2].split()
    state, start_time = after_name[0], after_name[_START_TIME_FIELD - 3]
    return None if state == "Z" else start_time


def _born_by_ps(pid: int) -> str | None:
    ps = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    answer = subprocess.run(ps, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() or None


def is_alive(pid: int, birth: str) -> bool:
    """Whether the process with this pid is still the one born then."""
    return born(pid) == birth


def signal_process(pid: int, number: signal.Signals) -> None:
    """Sends a signal; a process that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_group(group: int) -> None:
    """Ends at once whatever is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def wait_gone(pid: int, birth: str, seconds: float) -> bool:
    """Waits until the process has ended; False when it still lives after so many seconds."""
    give_up_at = time.monotonic() + seconds
    while is_alive(pid, birth):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def dies_with_parent() -> Callable[[], None] | None:
    """What a child runs before its program, so that it is asked to end when its parent dies.

    Linux only; elsewhere None, and the next start or stop ends what was left.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before it was asked
            os._exit(1)

    return ask
