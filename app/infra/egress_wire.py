"""Sockets with a deadline, pinned connections, and the few that are kept for the next request."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

from app.infra.egress_guard import passing

CONNECT_SECONDS = 10.0  # one address may not use up the time of the others
CHECK_SECONDS = 0.5  # how soon a silent wait notices that it was abandoned
# Less than the 5 s after which common servers hang up, so that a request is not sent into a close.
IDLE_SECONDS = 4.0
MAX_IDLE = 64


class Exchange:
    """One request and its answer: when it must be over, and whether it is still wanted."""

    def __init__(self, seconds: float, check: Callable[[], None] | None = None) -> None:
        self.ends_at = time.monotonic() + seconds
        self.check = check or (lambda: None)

    def left(self) -> float:
        """Seconds left. Raises TimeoutError when none are, and what `check` raises."""
        self.check()
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Timed:
    """A socket whose every wait ends with the exchange, so that a slow drip cannot prolong it."""

    exchange: Exchange

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        while True:
            self.settimeout(min(self.exchange.left(), CHECK_SECONDS))  # type: ignore[attr-defined]
            try:
                return super().recv_into(buffer, nbytes, flags)  # type: ignore[misc]
            except TimeoutError:
                continue

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(self.exchange.left())  # type: ignore[attr-defined]
        super().sendall(data, flags)  # type: ignore[misc]

    def send(self, data: Any, flags: int = 0) -> int:
        self.settimeout(self.exchange.left())  # type: ignore[attr-defined]
        return super().send(data, flags)  # type: ignore[misc]


class TimedSocket(_Timed, socket.socket):
    """A plain TCP socket under an exchange."""


class TimedTLSSocket(_Timed, ssl.SSLSocket):
    """A TLS socket under an exchange."""


@cache
def tls_context(verify: bool) -> ssl.SSLContext:
    """One context for the process: loading the certificates takes tens of milliseconds."""
    context = ssl.create_default_context()
    context.sslsocket_class = TimedTLSSocket
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Pin(NamedTuple):
    """What a connection is to: a kept one serves only an equal pin."""

    scheme: str
    host: str
    port: int
    address: str
    verify: bool


class PinnedConnection(http.client.HTTPConnection):
    """A connection to a vetted address; the name serves TLS and `Host` only."""

    sock: Any

    def __init__(self, pin: Pin) -> None:
        super().__init__(pin.host, pin.port)
        self.pin = pin
        self.idle_since = 0.0
        self.auto_open = 0  # never a second connection behind our back

    def open(self, exchange: Exchange) -> None:
        """Connects. Raises OSError, TimeoutError and what the exchange's `check` raises."""
        family = socket.AF_INET6 if ":" in self.pin.address else socket.AF_INET
        self.sock = TimedSocket(family, socket.SOCK_STREAM)
        self.attach(exchange)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(min(exchange.left(), CONNECT_SECONDS))
        with passing():
            self.sock.connect((self.pin.address, self.pin.port))
        if self.pin.scheme == "https":
            self._encrypt(exchange)

    def _encrypt(self, exchange: Exchange) -> None:
        self.sock.settimeout(exchange.left())
        context = tls_context(self.pin.verify)
        self.sock = context.wrap_socket(self.sock, server_hostname=self.pin.host)
        self.attach(exchange)

    def attach(self, exchange: Exchange) -> None:
        """From now on the socket serves this exchange."""
        self.sock.exchange = exchange

    def is_quiet(self) -> bool:
        """Whether the other side neither hung up nor sent what nobody asked for."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)


class IdleConnections:
    """Connections waiting for a next request: at most `MAX_IDLE`, the longest unused goes first."""

    def __init__(self) -> None:
        self._idle: OrderedDict[int, PinnedConnection] = OrderedDict()
        self._lock = Lock()

    def take(self, pin: Pin) -> PinnedConnection | None:
        """The freshest usable connection to this pin, now the caller's own; None when none is."""
        while (connection := self._pop(pin)) is not None:
            if time.monotonic() - connection.idle_since < IDLE_SECONDS and connection.is_quiet():
                return connection
            connection.close()
        return None

    def _pop(self, pin: Pin) -> PinnedConnection | None:
        with self._lock:
            same = (key for key in reversed(self._idle) if self._idle[key].pin == pin)
            key = next(same, None)
            return None if key is None else self._idle.pop(key)

    def give(self, connection: PinnedConnection) -> None:
        """Keeps a connection whose answer was read to its end."""
        connection.idle_since = time.monotonic()
        with self._lock:
            self._idle[id(connection)] = connection
            oldest = self._idle.popitem(last=False)[1] if len(self._idle) > MAX_IDLE else None
        if oldest:
            oldest.close()

    def __len__(self) -> int:
        return len(self._idle)

    def close(self) -> None:
        """Closes all of them."""
        with self._lock:
            connections = list(self._idle.values())
            self._idle.clear()
        for connection in connections:
            connection.close()
