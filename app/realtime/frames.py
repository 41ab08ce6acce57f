"""The server's side of a WebSocket connection, with what simple-websocket lacks."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import Any

from simple_websocket import ConnectionClosed, Server
from wsproto.events import Ping
from wsproto.utilities import LocalProtocolError

from app.core import clock
from app.realtime.ports import Gone

_STALL_SECONDS = 75.0
_LINGER_SECONDS = 2.0
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")


class WholeSocket:
    """A socket that sends all it is given, one caller at a time, and does not wait for ever.

    simple-websocket calls `send` once and drops what did not fit, from two threads.
    """

    def __init__(self, inner: Any) -> None:
        self._inner, self._sending = inner, threading.RLock()
        inner.settimeout(_STALL_SECONDS)

    def send(self, data: bytes) -> int:
        """Sends all of `data`. Raises OSError; then half a frame may be out, so nothing may
        follow."""
        with self._sending:
            try:
                self._inner.sendall(data)
            except OSError:
                with contextlib.suppress(OSError):
                    self._inner.shutdown(socket.SHUT_RDWR)
                raise
        return len(data)

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
        super().__init__({**environ, **wrapped}, *args, **options)

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
        try:
            self._frames.send(text)
        except (ConnectionClosed, LocalProtocolError, OSError):
            raise Gone from None

    def ping(self) -> None:
        """Sends a ping frame. Raises Gone."""
        try:
            self._frames.sock.send(self._frames.ws.send(Ping()))
        except (LocalProtocolError, OSError):
            raise Gone from None

    def close(self, code: int, reason: str) -> None:
        """Sends a close frame, if the socket is still open."""
        with contextlib.suppress(ConnectionClosed, LocalProtocolError, OSError):
            self._frames.close(code, reason)

    def silent_seconds(self) -> float:
        """Seconds since the last bytes of the client."""
        return self._frames.silent_seconds()
