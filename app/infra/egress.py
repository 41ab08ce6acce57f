"""The only way out: every request that a pipeline causes is vetted, pinned and bounded here.

Names are resolved once, every address is judged, and the connection goes to a judged address: a
second look-up cannot differ. No redirects, no retries, no proxies of the environment.
"""

from __future__ import annotations

import http.client
import re
import secrets
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from app.core.errors import StageError
from app.infra.egress_addresses import Target, read_target
from app.infra.egress_body import read_body
from app.infra.egress_guard import Guard
from app.infra.egress_hook import Endpoint, install_audit_hook
from app.infra.egress_wire import Exchange, IdleConnections, Pin, PinnedConnection

__all__ = [
    "Answer",
    "Endpoint",
    "Guard",
    "GuardedClient",
    "RunClient",
    "client",
    "connect",
    "install_audit_hook",
]

RUN_HEADER = "X-FlowMason-Run"
# What this client says itself, or what would change where a message ends.
RESERVED = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer")
    + ("upgrade", "expect", "proxy-authorization", "proxy-connection")
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `headers` as received; `body` without gzip or deflate."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str

    def header(self, name: str) -> str | None:
        """The value of a header, repeated ones joined by a comma (RFC 9110 section 5.3)."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


class GuardedClient:
    """The connections of one process. Thread-safe; `for_run` gives what requests go through.

    `exchanges` counts those that were begun: every time anything was to leave the house.
    """

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.idle = IdleConnections()
        self.exchanges = 0
        self._lock = threading.Lock()

    def for_run(
        self, run_id: str, trace_id: str | None = None, check: Callable[[], None] | None = None
    ) -> RunClient:
        """The client of one run: its requests carry the run's id and trace.

        `check` is called at each wait and may raise to abandon the exchange.
        """
        return RunClient(self, run_id, trace_id, check)

    def connect(self, target: Target, verify: bool, exchange: Exchange) -> PinnedConnection:
        """A connection to a vetted address of the target, kept or new."""
        with self._lock:
            self.exchanges += 1
        broken: OSError | None = None
        for address in self.guard.vet(target.host, target.port):
            pin = Pin(target.scheme, target.host, target.port, address, verify)
            try:
                return self._to(pin, exchange)
            except OSError as error:
                exchange.left()
                broken = error
        raise broken or OSError("no address")

    def _to(self, pin: Pin, exchange: Exchange) -> PinnedConnection:
        kept = self.idle.take(pin)
        connection = kept or PinnedConnection(pin)
        try:
            connection.attach(exchange) if kept else connection.open(exchange)
        except BaseException:
            connection.close()
            raise
        return connection


@dataclass(frozen=True, slots=True)
class RunClient:
    """The way out of one run; the HttpClient of its stages and deliveries."""

    client: GuardedClient
    run_id: str
    trace_id: str | None = None
    check: Callable[[], None] | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_seconds: float,
        verify_ssl: bool = True,
        max_bytes: int,
    ) -> Answer:
        """One exchange, redirects not followed.

        `timeout_seconds` bounds it from the connecting to the last byte (the resolver's own limits
        bound the look-up); `max_bytes` bounds the body, also unpacked.

        Raises StageError: SECURITY from the guard, VALIDATION for a bad URL or header, TIMEOUT,
        CONNECTIVITY when the exchange breaks, EXECUTION when the body is too large.
        """
        target = read_target(url)
        sent = {**checked_headers(headers), **self._own_headers(target)}
        sent.setdefault("accept-encoding", "gzip, deflate")
        sent.setdefault("user-agent", "FlowMason")
        with _told(target, timeout_seconds):
            exchange = Exchange(timeout_seconds, self.check)
            connection = self.client.connect(target, verify_ssl, exchange)
            try:
                connection.request(method, target.path, body, sent)
                answer, reusable = _answer(connection, target, max_bytes)
            except BaseException:
                connection.close()
                raise
        self._let_go(connection, reusable and not _bound_to_connection(sent))
        return answer

    def _own_headers(self, target: Target) -> dict[str, str]:
        own = {"host": target.authority, RUN_HEADER.lower(): self.run_id}
        if self.trace_id:
            own["traceparent"] = f"00-{self.trace_id}-{secrets.token_hex(8)}-01"
        return own

    def _let_go(self, connection: PinnedConnection, reusable: bool) -> None:
        if reusable:
            self.client.idle.give(connection)
        else:
            connection.close()


class _Process:
    """What `connect` set for this process; before that nothing is exempt."""

    client = GuardedClient(Guard())


def connect(allow: Iterable[str]) -> GuardedClient:
    """Binds the house to the addresses and names that FLOWMASON_EGRESS_ALLOW exempts.

    Opens nothing, so it may be called before a process forks. Raises ValueError for a bad entry.
    """
    _Process.client = GuardedClient(Guard(allow))
    return _Process.client


def client() -> GuardedClient:
    """The way out of this process."""
    return _Process.client


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with lower-case names.

    Raises StageError VALIDATION for a name that is no token, a value with line breaks, control
    characters or anything outside of Latin-1, and a name of `RESERVED`.
    """
    checked: dict[str, str] = {}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise StageError("VALIDATION", f"{name[:80]!r} is no header name.")
        if name.lower() in RESERVED:
            raise StageError("VALIDATION", f"The header {name} cannot be set.")
        checked[name.lower()] = _checked_value(name, value.strip(" \t"))
    return checked


def _checked_value(name: str, value: str) -> str:
    if _BAD_VALUE.search(value):
        raise StageError(
            "VALIDATION", f"The header {name} holds line breaks or control characters."
        )
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise StageError(
            "VALIDATION", f"The header {name} holds characters outside of Latin-1."
        ) from None
    return value


def _answer(connection: PinnedConnection, target: Target, limit: int) -> tuple[Answer, bool]:
    with connection.getresponse() as response:
        body = read_body(response, limit)
        answer = Answer(response.status, tuple(response.headers.items()), body, target.url)
    # A status below 200 is not the last word on this connection.
    return answer, response.status >= 200 and not response.will_close


def _bound_to_connection(headers: Mapping[str, str]) -> bool:
    """NTLM and Negotiate log a whole connection in: nobody else may use it afterwards."""
    return headers.get("authorization", "").lower().startswith(("ntlm", "negotiate"))


@contextmanager
def _told(target: Target, seconds: float) -> Iterator[None]:
    """Turns what breaks an exchange into the sentence that its author reads."""
    host = target.authority
    try:
        yield
    except TimeoutError:
        raise StageError(
            "TIMEOUT", f"{host} did not answer in time; the limit is {seconds:g} seconds."
        ) from None
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message
        raise StageError(
            "CONNECTIVITY", f"The certificate of {host} is refused: {reason}."
        ) from None
    except ssl.SSLError as error:
        reason = (error.reason or "no secure connection").replace("_", " ").lower()
        raise StageError("CONNECTIVITY", f"TLS with {host} failed: {reason}.") from None
    except OSError as error:
        reason = error.strerror or "the connection broke"
        raise StageError("CONNECTIVITY", f"No exchange with {host}: {reason}.") from None
    except http.client.HTTPException:
        raise StageError("CONNECTIVITY", f"{host} did not answer in valid HTTP.") from None
