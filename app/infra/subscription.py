"""One connection of a process to the bus that listens, for everybody in it who does."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import redis
from redis.connection import ConnectionInterface

from app.infra import bus

log = logging.getLogger(__name__)

_KEEP = "keep"  # a subscribed connection must never have no channel: PING would answer otherwise
_ATTACHED = b"attached"
_BATCH = 500
_WAITS_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Subscription:
    """Channels of the bus, read by one thread and changed by any.

    `hear(channel, payload)` is called by the reading thread for each message and must not wait.
    `again()` is called by it whenever the channels are listened to (once more) after a time when
    messages may have been lost. Lives through any loss of Redis.
    """

    def __init__(
        self, hear: Callable[[str, bytes], None], again: Callable[[], None] = lambda: None
    ) -> None:
        self._hear, self._again = hear, again
        self._lock = threading.RLock()
        self._channels: dict[str, threading.Event] = {}  # set: Redis confirmed it
        self._unanswered: Counter[str] = Counter()
        self._line: ConnectionInterface | None = None
        self._reader: threading.Thread | None = None
        self._closed = False

    def subscribe(self, channel: str, wait_seconds: float = 1.0) -> bool:
        """Listens to `channel` until `unsubscribe`; waits until Redis confirms it.

        False when that took longer than `wait_seconds`: it goes on trying by itself.
        """
        with self._lock:
            confirmed = self._channels.get(channel)
            if confirmed is None:
                confirmed = self._channels[channel] = threading.Event()
                self._ask(channel)
            if self._reader is None:
                self._start()
        return confirmed.wait(wait_seconds)

    def unsubscribe(self, channel: str) -> None:
        """Listens to `channel` no longer."""
        with self._lock:
            if self._channels.pop(channel, None) is not None:
                self._tell("UNSUBSCRIBE", channel)

    def close(self) -> None:
        """Ends the reading thread, at the latest when it next wakes."""
        with self._lock:
            self._closed = True
            self._tell("PING")

    def _start(self) -> None:
        self._reader = threading.Thread(target=self._read, name="bus", daemon=True)
        self._reader.start()

    def _ask(self, *channels: str) -> None:
        if self._tell("SUBSCRIBE", *channels):
            self._unanswered.update(channels)

    def _tell(self, *words: str | bytes) -> bool:
        if self._line is None:
            return False
        try:
            self._line.send_command(*words, check_health=False)
        except (redis.RedisError, OSError):
            self._line = None  # the reader sees it and connects anew
            return False
        return True

    def _read(self) -> None:
        waits = iter(_WAITS_SECONDS)
        line = bus.line()
        while not self._closed:
            try:
                for message in self._messages(line):
                    waits = iter(_WAITS_SECONDS)
                    self._take(*message)
            except (redis.RedisError, OSError) as error:
                log.warning("bus lost: %s", error, extra={"action": "bus_lost"})
                self._detach(line)
                time.sleep(next(waits, _WAITS_SECONDS[-1]))
        self._detach(line)

    def _messages(self, line: ConnectionInterface) -> Iterator[list[bytes]]:
        self._attach(line)
        asked = False
        while self._line is line and not self._closed:
            try:
                yield line.read_response(disconnect_on_error=False)
                asked = False
            except redis.TimeoutError:
                if asked:
                    raise
                with self._lock:
                    asked = self._tell("PING")
        if not self._closed:
            raise redis.ConnectionError("a command could not be sent")

    def _attach(self, line: ConnectionInterface) -> None:
        line.connect()
        with self._lock:
            self._line = line
            self._tell("SUBSCRIBE", _KEEP)
            names = list(self._channels)
            for start in range(0, len(names), _BATCH):
                self._ask(*names[start : start + _BATCH])
            # Redis answers in order: when this comes back all channels are listened to.
            self._tell("PING", _ATTACHED)

    def _detach(self, line: ConnectionInterface) -> None:
        with self._lock:
            self._line = None
            self._unanswered.clear()
            for confirmed in self._channels.values():
                confirmed.clear()
        line.disconnect()

    def _take(self, kind: bytes, name: bytes, payload: bytes | int = 0) -> None:
        try:
            if kind == b"message" and isinstance(payload, bytes):
                self._hear(name.decode(), payload)
            elif kind == b"subscribe":
                self._confirm(name.decode())
            elif kind == b"pong" and name == _ATTACHED:
                self._again()
        except Exception:
            log.exception("a message of the bus was not taken", extra={"action": "bus_failed"})

    def _confirm(self, name: str) -> None:
        with self._lock:
            # A channel left and joined again in haste counts from its last SUBSCRIBE on.
            self._unanswered[name] -= 1
            if self._unanswered[name] <= 0:
                del self._unanswered[name]
                if name in self._channels:
                    self._channels[name].set()
