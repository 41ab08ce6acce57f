"""Asking a neighbour something without waiting for one that never answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")
_FORGOTTEN_AFTER_SECONDS = 10.0


class Probe(Generic[_Answer]):
    """A question that is asked in a thread of its own.

    Whoever asks while it is being asked waits for the same answer, so a neighbour that hangs costs
    one thread each ten seconds however often it is asked after.
    """

    def __init__(self, question: Callable[[], _Answer]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._asked: Future[_Answer] | None = None
        self._asked_at = 0.0

    def ask(self) -> Future[_Answer]:
        """The answer to come: wait for it with a timeout."""
        with self._lock:
            late = time.monotonic() - self._asked_at > _FORGOTTEN_AFTER_SECONDS
            if self._asked is None or self._asked.done() or late:
                self._asked, self._asked_at = Future(), time.monotonic()
                asking = threading.Thread(
                    target=self._answer, args=(self._asked,), name="probe", daemon=True
                )
                asking.start()
            return self._asked

    def _answer(self, asked: Future[_Answer]) -> None:
        try:
            asked.set_result(self._question())
        except Exception as refused:  # whoever waits judges it
            asked.set_exception(refused)
