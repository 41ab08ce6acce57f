"""The hub: one subscription of this process to the bus, for all of its listeners."""

from __future__ import annotations

import logging
import resource
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from app.core import wire
from app.core.errors import NoRoom
from app.core.states import RunStatus, is_final
from app.infra.bus import run_channel
from app.infra.subscription import Subscription
from app.realtime.outbox import Live

log = logging.getLogger(__name__)

#: `heads(run_ids)`: newest stored seq and status of each run, in one query.
Heads = Callable[[Collection[str]], Mapping[str, tuple[int, str]]]

WATCH_SECONDS = 5.0
_WATCH_BATCH = 500

#: Sockets of one process; below gunicorn's `worker_connections`, or they would lock out requests.
MAX_SOCKETS = 1500
_OTHER_FILES = 200


class Listener(Protocol):
    """Somebody who follows runs. Neither method may wait or raise."""

    def event(self, event: Live) -> None:
        """An event of a joined run; may come twice, late, out of order or not at all."""

    def nudge(self, run_id: str, head: int) -> None:
        """The journal of a joined run holds events up to `head`."""


class Closable(Protocol):
    """Something that shutdown must close."""

    def close(self, code: int) -> None:
        """Asks it to end, with a WebSocket close code."""


def _spare_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_SOCKETS if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_FILES)


class Hub:
    """Who follows which run, and the watch that finds what the bus lost.

    Safe under threads and under gevent's greenlets; starts its threads at the first join.
    """

    def __init__(
        self, heads: Heads, watch_seconds: float = WATCH_SECONDS, max_sockets: int = MAX_SOCKETS
    ) -> None:
        self._heads, self._watch_seconds = heads, watch_seconds
        self._max_sockets = min(max_sockets, _spare_files())
        self._lock = threading.RLock()
        self._listeners: dict[str, set[Listener]] = {}
        self._final: set[str] = set()
        self._sockets: set[Closable] = set()
        self._look = threading.Event()
        self._watcher: threading.Thread | None = None
        self._closing: int | None = None
        self._subscription = Subscription(self._hear, self._look.set)

    def join(self, run_id: str, listener: Listener) -> None:
        """Sends the run's events to `listener` from here on.

        When this returns Redis has confirmed it, or is away and the watch stands in.
        """
        with self._lock:
            self._listeners.setdefault(run_id, set()).add(listener)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)
                self._watcher.start()
        self._subscription.subscribe(run_channel(run_id))

    def leave(self, run_id: str, listener: Listener) -> None:
        """Sends nothing of the run to `listener` any more."""
        with self._lock:
            listeners = self._listeners.get(run_id, set())
            listeners.discard(listener)
            if run_id in self._listeners and not listeners:
                del self._listeners[run_id]
                self._final.discard(run_id)
                self._subscription.unsubscribe(run_channel(run_id))

    def check_room(self) -> None:
        """Raises NoRoom when this process is full or about to end."""
        with self._lock:
            if self._closing is not None or len(self._sockets) >= self._max_sockets:
                raise NoRoom

    def register(self, socket: Closable) -> None:
        """Has `close_all` close this socket too."""
        with self._lock:
            self._sockets.add(socket)
            closing = self._closing
        if closing is not None:
            socket.close(closing)

    def unregister(self, socket: Closable) -> None:
        """The socket is closed."""
        with self._lock:
            self._sockets.discard(socket)

    def close_all(self, code: int = 1001) -> None:
        """Asks every socket of this process, and those still to come, to close."""
        with self._lock:
            self._closing = code
            sockets = list(self._sockets)
        for socket in sockets:
            socket.close(code)

    def stop(self) -> None:
        """Ends the hub's threads."""
        self._closing = self._closing or 1001
        self._subscription.close()
        self._look.set()

    def _hear(self, channel: str, payload: bytes) -> None:
        run_id = channel.partition(":")[2]
        event = Live(run_id, wire.read(payload).get("seq"), payload.decode())
        for listener in self._of(run_id):
            listener.event(event)

    def _of(self, run_id: str) -> list[Listener]:
        with self._lock:
            return list(self._listeners.get(run_id, ()))

    def _watch(self) -> None:
        while self._closing is None:
            self._look.wait(self._watch_seconds)
            self._look.clear()
            try:
                self.look()
            except Exception as error:
                # The next look finds whatever this one did not.
                log.warning("runs not watched: %s", error, extra={"action": "watch_failed"})

    def look(self) -> None:
        """Nudges whoever follows a run that may have moved unheard: one query for 500 runs."""
        with self._lock:
            open_runs = sorted(self._listeners.keys() - self._final)
        for start in range(0, len(open_runs), _WATCH_BATCH):
            heads = self._heads(open_runs[start : start + _WATCH_BATCH])
            for run_id, (head, status) in heads.items():
                self._nudge(run_id, head, final=is_final(RunStatus(status)))

    def _nudge(self, run_id: str, head: int, final: bool) -> None:
        for listener in self._of(run_id):
            listener.nudge(run_id, head)
        with self._lock:
            if final and run_id in self._listeners:
                self._final.add(run_id)


class _Process:
    """The hub of this process, once somebody needs it: threads do not survive a fork."""

    lock = threading.Lock()
    hub: Hub | None = None
    closing: int | None = None


def shared(heads: Heads) -> Hub:
    """The hub of this process, made at the first call."""
    with _Process.lock:
        if _Process.hub is None:
            _Process.hub = Hub(heads)
            if _Process.closing is not None:
                _Process.hub.close_all(_Process.closing)
        return _Process.hub


def close_all(code: int = 1001) -> None:
    """Closes every socket of this process, and those still to come: a web process shuts down."""
    with _Process.lock:
        _Process.closing, hub = code, _Process.hub
    if hub is not None:
        hub.close_all(code)
