"""A real web process under gunicorn and gevent, and a WebSocket client for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import simple_websocket

from app.core import clock, wire
from app.infra import bus, database
from app.models import Run, RunEvent
from app.services.runs.read import events_since
from tests.conftest import KEYS, wait_until

ROOT = Path(__file__).parents[3]
PATH = "/api/v1/ws/runs"


class Client(simple_websocket.Client):
    """A WebSocket client that speaks JSON; also reads what came along with the handshake."""

    def handshake(self) -> None:
        super().handshake()
        self.connected = self._handle_events()

    def say(self, **message) -> None:
        self.send(json.dumps(message))

    def hear(self, seconds: float = 10.0) -> dict:
        text = self.receive(timeout=seconds)
        assert text is not None, "nothing came"
        return json.loads(text)

    def ask(self, **message) -> dict:
        self.say(**message)
        return self.hear()

    def seqs(self, count: int) -> list[int]:
        return [self.hear()["seq"] for _ in range(count)]

    def closed_with(self, seconds: float = 10.0) -> int:
        with contextlib.suppress(simple_websocket.ConnectionClosed):
            while self.receive(timeout=seconds) is not None:
                pass
        return self.close_reason


class Web:
    """The web process at `port`."""

    def __init__(self, process: subprocess.Popen, port: int) -> None:
        self.process, self.port = process, port
        self._clients: list[Client] = []

    def connect(self, query: str = "", **headers: str) -> Client:
        """An open WebSocket; the headers are named with underscores."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        client = Client(f"ws://127.0.0.1:{self.port}{PATH}{query}", headers=named)
        self._clients.append(client)
        return client

    def hang_up(self) -> None:
        """Ends all clients."""
        while self._clients:
            client = self._clients.pop()
            with contextlib.suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)
            client.thread.join(5)
            client.sock.close()

    def shake(self, **headers: str) -> tuple[int, dict]:
        """Status and problem document of a handshake that is refused."""
        named = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        named |= {name.replace("_", "-"): text for name, text in headers.items()}
        with _get(self.port, PATH, named) as answer:
            return answer.status, json.loads(answer.read() or b"{}")

    def stop(self) -> int:
        """Ends it as a platform would; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def web_process(settings, mode: str = "required") -> Iterator[Web]:
    """A web process on the database and the bus of the test."""
    port = _free_port()
    environ = {
        **{name: text for name, text in os.environ.items() if name != "PORT"},
        **KEYS,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "FLOWMASON_HOME": str(settings.home),
        "FLOWMASON_PORT": str(port),
        "LOG_LEVEL": "warning",
    }
    command = ["-m", "gunicorn", "-c", "python:config.gunicorn", f"app:create_app(mode='{mode}')"]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environ, process_group=0)
    try:
        wait_until(lambda: process.poll() is not None or _answers(port), 30)
        assert process.poll() is None, "the web process ended"
        web = Web(process, port)
        try:
            yield web
        finally:
            web.hang_up()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its worker, too
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _answers(port: int) -> bool:
    with _get(port, "/livez", {}) as answer:
        return answer.status < 500


@contextlib.contextmanager
def _get(port: int, path: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as line:
        line.request("GET", path, headers=headers)
        with line.getresponse() as answer:
            yield answer


def record(who, run_id: str, times: int = 1, *, publish: bool = True, **data) -> None:
    """Stores events of a run as a worker's journal would, and publishes them."""
    head = Run.get_by_id(run_id).event_seq
    with database.transaction():
        for seq in range(head + 1, head + times + 1):
            told = {"run": run_id, "seq": seq, "data": data or {"n": seq}, "at": clock.now()}
            RunEvent.create(type="execution_paused", **told)
        Run.update(event_seq=head + times).where(Run.id == run_id).execute()
    if publish:
        stored = events_since(who, run_id, head, times)
        bus.publish_events(run_id, [wire.dumps_bytes(told) for told in stored])
    database.release()
