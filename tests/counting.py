"""A server on loopback that stages which reach out may find: each answer has another number."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.infra import egress


class Counting(ThreadingHTTPServer):
    """`count` is how many answers it gave."""

    daemon_threads, count = True, 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Counting

    def do_GET(self) -> None:
        self.server.count += 1
        body = json.dumps({"n": self.server.count, "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def counting() -> Iterator[Counting]:
    """The server, which this process may reach, for the length of a with block."""
    server = Counting(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    egress.connect(("127.0.0.0/8",))
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
