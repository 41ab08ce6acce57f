"""The server's side of a WebSocket connection, with what simple-websocket lacks."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simple_websocket import ConnectionClosed, Server
from wsproto.connection import ConnectionState
from wsproto.events import Ping
from wsproto.utilities import LocalProtocolError

from app.core import clock
from app.realtime.encoding import text_frame
from app.realtime.outbox import Live
from app.realtime.ports import Gone

_STALL_SECONDS = 60.0
_GLANCE_SECONDS = 5.0
_LINGER_SECONDS = 2.0
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")
_EXTENSIONS = "HTTP_SEC_WEBSOCKET_EXTENSIONS"


class WholeSocket:
    """A socket that sends all it is given, one caller at a time, and does not wait for ever.

    simple-websocket calls `send` once and drops what did not fit, from two threads.
    """

    def __init__(self, inner: Any, glance_seconds: float = _GLANCE_SECONDS) -> None:
        self._inner, self._sending = inner, threading.RLock()
        inner.settimeout(glance_seconds)
        #: Called every few seconds while the client takes nothing; raises Gone to give it up.
        self.while_stalled: Callable[[], None] = lambda: None

    def send(self, data: bytes) -> int:
        """Sends all of `data`. Raises OSError or Gone; then half a frame may be out, so nothing
        may follow."""
        with self._sending:
            try:
                self._send_whole(data)
            except (OSError, Gone):
                with contextlib.suppress(OSError):
                    self._inner.shutdown(socket.SHUT_RDWR)
                raise
        return len(data)

    def _send_whole(self, data: bytes) -> None:
        rest, moved_at = memoryview(data), clock.monotonic()
        while rest:
            try:
                rest = rest[self._inner.send(rest) :]
                moved_at = clock.monotonic()
            except TimeoutError:
                if clock.monotonic() - moved_at >= _STALL_SECONDS:
                    raise
                self.while_stalled()

    def recv(self, size: int) -> bytes:
        """Waits for bytes of the client, however long; empty when it hung up. Raises OSError."""
        while True:
            with contextlib.suppress(TimeoutError):
                return bytes(self._inner.recv(size))

    def close(self) -> None:
        """Closes after the client has read what was sent: unread input would reset it away."""
        with contextlib.suppress(OSError):
            self._inner.shutdown(socket.SHUT_WR)
            self._drain(clock.monotonic() + _LINGER_SECONDS)
        self._inner.close()

    def _drain(self, until: float) -> None:
        while (left := until - clock.monotonic()) > 0:
            self._inner.settimeout(left)
            if not self._inner.recv(65536):
                return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Frames(Server):
    """A WebSocket accepted from a WSGI `environ`, as the session wants it.

    Raises wsproto's RemoteProtocolError when the request is no WebSocket handshake.
    """

    def __init__(self, environ: Mapping[str, Any], *args: Any, **options: Any) -> None:
        wrapped = {name: WholeSocket(environ[name]) for name in _SOCKETS if name in environ}
        self._frame_at = clock.monotonic()
        # Compressed, a frame would be another one for each client, and each cost its own window.
        offered = {name: value for name, value in environ.items() if name != _EXTENSIONS}
        super().__init__({**offered, **wrapped}, *args, **options)

    def _handle_events(self) -> bool:
        self._frame_at = clock.monotonic()
        return super()._handle_events()

    def silent_seconds(self) -> float:
        """Seconds since the last bytes of the client."""
        return clock.monotonic() - self._frame_at

    def wait_closed(self) -> None:
        """Waits until the client has taken the close frame, or for a few seconds."""
        self.thread.join(_LINGER_SECONDS + 1.0)


class SocketWire:
    """`session.Wire` over a WebSocket."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def send(self, text: str) -> None:
        """Sends a text frame. Raises Gone."""
        self._send(text_frame(text))

    def send_live(self, events: Sequence[Live]) -> None:
        """Sends the events, each in a frame of its own, in one go. Raises Gone."""
        self._send(b"".join([event.frame() for event in events]))

    def _send(self, frames: bytes) -> None:
        # Nothing may follow a close frame.
        if self._frames.ws.state is not ConnectionState.OPEN:
            raise Gone
        try:
            self._frames.sock.send(frames)
        except OSError:
            raise Gone from None

    def ping(self) -> None:
        """Sends a ping frame. Raises Gone."""
        try:
            self._frames.sock.send(self._frames.ws.send(Ping()))
        except (LocalProtocolError, OSError):
            raise Gone from None

    def close(self, code: int, reason: str) -> None:
        """Sends a close frame, if the socket is still open."""
        with contextlib.suppress(ConnectionClosed, LocalProtocolError, OSError, Gone):
            self._frames.close(code, reason)

    def silent_seconds(self) -> float:
        """Seconds since the last bytes of the client."""
        return self._frames.silent_seconds()

    def watch_stalls(self, glance: Callable[[], None]) -> None:
        """Has `glance` called every few seconds while a send waits; it may raise Gone."""
        self._frames.sock.while_stalled = glance
