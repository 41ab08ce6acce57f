"""The guard: judges every address before anything connects to it (contract 06, Egress guard)."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from app.core.errors import StageError
from app.infra.egress_addresses import (
    Network,
    is_number_host,
    number_refusal,
    read_address,
    refused_block,
)

MAX_REMEMBERED = 1024

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_READABLE = re.compile(r"[^\x00-\x20\x7f]+")
_here = threading.local()


@contextmanager
def passing() -> Iterator[None]:
    """Inside, this thread's look-ups and connections are the guard's own: the hook lets them by."""
    before = is_passing()
    _here.passing = True
    try:
        yield
    finally:
        _here.passing = before


def is_passing() -> bool:
    """Whether this thread is inside `passing`."""
    return getattr(_here, "passing", False)


class Guard:
    """Says which hosts and addresses pipelines may reach. Thread-safe.

    `allow` are the entries of FLOWMASON_EGRESS_ALLOW: CIDR blocks exempt by address, host names
    exempt by exact name.
    """

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """Raises ValueError for an entry that is neither a block nor a host name."""
        self._blocks: list[Network] = []
        self._names: set[str] = set()
        for entry in filter(None, (text.strip() for text in allow)):
            self._add(entry)
        # Addresses that only their exempt name makes reachable, for the hook.
        self._by_name: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._lock = threading.Lock()

    def _add(self, entry: str) -> None:
        try:
            self._blocks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            if not _HOST_NAME.fullmatch(entry) or is_number_host(entry):
                raise ValueError(f"{entry!r} is neither a CIDR block nor a host name") from None
            self._names.add(_plain(entry))

    def refusal(self, address: str) -> str | None:
        """Why this address literal is refused, as a sentence; None when it may be reached."""
        read = read_address(address)
        if read is None:
            return f"{address!r} is no address."
        block = refused_block(read)
        if block is None or any(read in allowed for allowed in self._blocks):
            return None
        return f"The address {address} lies in {block}, which pipelines may not reach."

    def permits(self, address: str, port: int) -> bool:
        """Whether a connection to this address may be made, now that it is asked for."""
        return self.refusal(address) is None or (address, port) in self._by_name

    def vet(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, looked up once, all of them judged; connect to these only.

        Raises StageError: SECURITY when one address is refused or the host is a number in
        disguise, CONNECTIVITY when the name does not resolve, VALIDATION when it cannot be a name.
        """
        host = _plain(host)
        if is_number_host(host):
            raise number_refusal(host)
        addresses = [host] if read_address(host) else look_up(host, port)
        if host in self._names:
            self._remember(addresses, port)
            return addresses
        for address in addresses:
            self._judge(host, address)
        return addresses

    def _judge(self, host: str, address: str) -> None:
        refusal = self.refusal(address)
        if refusal:
            about = "" if host == address else f"The host {host} is refused. "
            raise StageError("SECURITY", about + refusal)

    def _remember(self, addresses: list[str], port: int) -> None:
        with self._lock:
            for address in addresses:
                self._by_name[address, port] = None
                self._by_name.move_to_end((address, port))
            while len(self._by_name) > MAX_REMEMBERED:
                self._by_name.popitem(last=False)


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, in the resolver's order. Raises StageError like `Guard.vet`."""
    if not _READABLE.fullmatch(host):  # C would stop reading at a zero byte
        raise StageError("VALIDATION", f"{host[:80]!r} is no host name.")
    try:
        with passing():
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise StageError("CONNECTIVITY", f"The name {host} does not resolve.") from None
    except (UnicodeError, ValueError, OverflowError):
        raise StageError("VALIDATION", f"{host[:80]!r} is no host name.") from None
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _plain(host: str) -> str:
    return host.strip("[]").lower().removesuffix(".")
