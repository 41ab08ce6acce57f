"""The audit hook of worker processes: drivers that find peers by themselves stay inside."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterable
from typing import Any

from app.core.errors import StageError
from app.infra.egress_addresses import read_address
from app.infra.egress_guard import Guard, is_passing, look_up

Endpoint = tuple[str, int] | str  #: host and port, or the path of a unix socket

LOG_SOCKET = "/dev/log"
REFRESH_SECONDS = 1.0


class Exempt:
    """Studio's own endpoints, which the guard would refuse."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        own = list(endpoints)
        self.paths = {LOG_SOCKET, *(path for path in own if isinstance(path, str))}
        self.names = {(name[0].lower(), name[1]) for name in own if not isinstance(name, str)}
        self.hosts = {host for host, _ in self.names}
        self._addresses: set[tuple[str, int]] = set()
        self._refreshed_at = 0.0
        self._refresh()

    def includes(self, host: str, port: int) -> bool:
        """Whether this is one of Studio's own, also after its name moved to another address."""
        if (host.lower(), port) in self.names or (host, port) in self._addresses:
            return True
        known = any(port == own for _, own in self.names)
        if known and time.monotonic() - self._refreshed_at > REFRESH_SECONDS:
            self._refresh()
        return (host, port) in self._addresses

    def _refresh(self) -> None:
        found: set[tuple[str, int]] = set()
        for host, port in self.names:
            found.update((address, port) for address in _addresses_of(host, port))
        self._addresses = found
        self._refreshed_at = time.monotonic()


def _addresses_of(host: str, port: int) -> list[str]:
    try:
        return look_up(host, port)
    except StageError:
        return []  # away for the moment; the next refresh asks again


class Doorkeeper:
    """Judges the look-ups and connections that Python code of this process makes."""

    def __init__(self, guard: Guard, exempt: Exempt) -> None:
        self._guard = guard
        self._exempt = exempt

    def looked_up(self, host: Any, port: Any = None, *_: Any) -> None:
        """Raises StageError when the guard refuses the name."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if not name or is_passing() or name.lower() in self._exempt.hosts or read_address(name):
            return  # a literal says nothing to a name server; connecting to it is judged
        self._guard.vet(name, _number(port))

    def connecting(self, sock: socket.socket, address: Any) -> None:
        """Raises StageError SECURITY when the connection is not to a permitted address."""
        if is_passing():
            return
        if sock.family == socket.AF_UNIX:
            self._to_path(address)
        elif sock.family in (socket.AF_INET, socket.AF_INET6):
            self._to_address(str(address[0]), address[1])
        else:
            raise StageError("SECURITY", "Connections of this kind are refused.")

    def _to_path(self, path: Any) -> None:
        text = path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
        if text not in self._exempt.paths:
            raise StageError("SECURITY", f"The socket {text[:200]!r} is refused.")

    def _to_address(self, address: str, port: int) -> None:
        if self._guard.permits(address, port) or self._exempt.includes(address, port):
            return
        # A name here would be resolved below Python, where nothing can judge what it becomes.
        raise StageError("SECURITY", self._guard.refusal(address) or "The address is refused.")


def _number(port: Any) -> int:
    """The port of a look-up, which may be text, a service name or nothing."""
    text = port.decode("ascii", "replace") if isinstance(port, bytes) else str(port or 0)
    return int(text) if text.isdecimal() else socket.getservbyname(text)


def install_audit_hook(guard: Guard, exempt: Iterable[Endpoint] = ()) -> None:
    """From now on this process looks up and connects only where the guard or `exempt` permits.

    `exempt` are Studio's own database, Redis, mail and model providers: (host, port) pairs and
    paths of unix sockets. Cannot be undone. C libraries pass it by: give libpq a vetted `hostaddr`.
    """
    door = Doorkeeper(guard, Exempt(exempt))
    judges = {
        "socket.getaddrinfo": door.looked_up,
        "socket.gethostbyname": door.looked_up,
        "socket.connect": door.connecting,
    }.get

    def hook(event: str, args: tuple[Any, ...]) -> None:
        judge = judges(event)  # nearly always None, thousands of times a second
        if judge is not None:
            judge(*args)

    sys.addaudithook(hook)
