"""Sockets with a deadline, pinned connections, and the few that are kept for the next request."""

from __future__ import annotations

import errno
import http.client
import os
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
CHECK_SECONDS = 0.5  # how soon a wait, of whatever kind, notices that it was abandoned
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

    def _patiently(self, step: Callable[[], Any]) -> Any:
        """The outcome of `step`, which is begun again each time the socket ran out of patience."""
        while True:
            self.settimeout(min(self.exchange.left(), CHECK_SECONDS))  # type: ignore[attr-defined]
            try:
                return step()
            except TimeoutError:
                continue

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        receive = super().recv_into  # type: ignore[misc]
        return int(self._patiently(lambda: receive(buffer, nbytes, flags)))

    def send(self, data: Any, flags: int = 0) -> int:
        # TLS may have sent a part when it times out: it goes on when it is given the same again.
        send = super().send  # type: ignore[misc]
        return int(self._patiently(lambda: send(data, flags)))

    def sendall(self, data: Any, flags: int = 0) -> None:
        with memoryview(data) as view, view.cast("B") as octets:
            sent = 0
            while sent < len(octets):
                sent += self.send(octets[sent:], flags)


class TimedSocket(_Timed, socket.socket):
    """A plain TCP socket under an exchange."""

    def reach(self, address: tuple[str, int]) -> None:
        """Connects. Raises OSError, TimeoutError and what the exchange's `check` raises."""
        give_up_at = time.monotonic() + CONNECT_SECONDS
        self.settimeout(0)
        code = self.connect_ex(address)
        while code == errno.EINPROGRESS:
            if time.monotonic() > give_up_at:
                raise TimeoutError
            if _is_ready(self, select.POLLOUT, min(self.exchange.left(), CHECK_SECONDS)):
                code = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))


class TimedTLSSocket(_Timed, ssl.SSLSocket):
    """A TLS socket under an exchange."""

    def greet(self) -> None:
        """Shakes hands. Raises OSError, TimeoutError and what the exchange's `check` raises."""
        self._patiently(self.do_handshake)


def _is_ready(sock: socket.socket, what: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(sock, what)
    return bool(poll.poll(seconds * 1000))


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
        with passing():
            self.sock.reach((self.pin.address, self.pin.port))
        if self.pin.scheme == "https":
            self._encrypt(exchange)

    def _encrypt(self, exchange: Exchange) -> None:
        context = tls_context(self.pin.verify)
        self.sock = context.wrap_socket(
            self.sock, server_hostname=self.pin.host, do_handshake_on_connect=False
        )
        self.attach(exchange)
        self.sock.greet()

    def attach(self, exchange: Exchange) -> None:
        """From now on the socket serves this exchange."""
        self.sock.exchange = exchange

    def is_quiet(self) -> bool:
        """Whether the other side neither hung up nor sent what nobody asked for."""
        return not _is_ready(self.sock, select.POLLIN, 0)


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
