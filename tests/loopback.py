"""A server on this machine whose answers a test writes byte by byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("loopback.pem")  # of studio.test, signed by itself


@dataclass
class Heard:
    """A request as it arrived; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Heard], Iterable[bytes]]


@dataclass
class Server:
    """A listening server: what it heard and over how many connections."""

    port: int
    requests: list[Heard] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        """An address of this server."""
        return f"{scheme}://{host}:{self.port}{path}"


def answer(body: bytes = b"", status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """An answer with its length, which keeps the connection."""
    lines = [f"HTTP/1.1 {status} Said"] + [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode("latin-1") + body


@contextlib.contextmanager
def serving(
    script: Script, tls: bool = False, reads: threading.Event | None = None
) -> Iterator[Server]:
    """A server that answers each request with the pieces of `script(request)`, then goes on.

    It hangs up when the script raises EOFError, and on what is no request. It reads nothing before
    `reads` is set, which the end of the with block does.
    """
    if reads is None:
        (reads := threading.Event()).set()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])
        threading.Thread(
            target=_accept, args=(listener, server, script, tls, reads), daemon=True
        ).start()
        yield server
        reads.set()
        # Closing alone does not wake the accepting thread.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(
    listener: socket.socket, server: Server, script: Script, tls: bool, reads: threading.Event
) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            server.connections += 1
            threading.Thread(
                target=_talk, args=(connection, server, script, tls, reads), daemon=True
            ).start()


def _talk(
    connection: socket.socket, server: Server, script: Script, tls: bool, reads: threading.Event
) -> None:
    with contextlib.suppress(OSError, EOFError, ValueError), contextlib.ExitStack() as stack:
        stack.enter_context(connection)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            connection = stack.enter_context(context.wrap_socket(connection, server_side=True))
        reads.wait()
        stream = stack.enter_context(connection.makefile("rb"))
        while True:
            heard = _read(stream)
            server.requests.append(heard)
            for piece in script(heard):
                connection.sendall(piece)


def _read(stream) -> Heard:
    line = stream.readline()
    if not line:
        raise EOFError
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while (line := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Heard(method, target, headers, stream.read(int(headers.get("content-length", 0))))
