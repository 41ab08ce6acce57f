"""A customer: starts runs at one address, one after the other, and watches each at another."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
import uuid

import simple_websocket
import wsproto
from simple_websocket.ws import Base
from wsproto.connection import ConnectionType

from tests.api.runs.web import PATH, Client

_FINAL = ("run_completed", "run_failed", "run_cancelled")
_AGAIN_SECONDS = 0.05
_PAUSE_SECONDS = 0.05  # the machine has other things to do
_GOING_AWAY = 1001
_BROKEN = (
    OSError,
    http.client.HTTPException,
    simple_websocket.ConnectionError,
    wsproto.utilities.ProtocolError,
)


class _Socket(Client):
    """A WebSocket client that leaves no socket behind where it cannot connect."""

    def __init__(self, port: int, key: str) -> None:
        self.host, self.path = "127.0.0.1", PATH
        self.subprotocols, self.extra_headeers = [], [("X-API-Key", key)]
        sock = socket.create_connection((self.host, port))
        try:
            Base.__init__(self, sock, connection_type=ConnectionType.CLIENT)
        except BaseException:
            sock.close()
            raise


class Customer(threading.Thread):
    """Starts a run at port `starts_at` and watches it at `watches_at` to its end, until `enough`.

    `forgives`: an address that refuses or breaks a new connection is asked again; otherwise that
    is a failure. A connection that was used before may be closed by the other side at any time.
    """

    def __init__(self, key: str, starts_at: int, watches_at: int, forgives: bool = False) -> None:
        super().__init__(daemon=True)
        self.key, self.forgives = key, forgives
        self.line = http.client.HTTPConnection("127.0.0.1", starts_at, timeout=60)
        self.watches_at = watches_at
        self.socket: _Socket | None = None
        self.enough = threading.Event()
        self.seen: dict[str, list[dict]] = {}
        self.failed: Exception | None = None

    def run(self) -> None:
        """Run after run."""
        try:
            while not self.enough.is_set():
                run_id = self._start()
                self.seen[run_id] = self._watch(run_id)
                self.enough.wait(_PAUSE_SECONDS)
        except Exception as error:
            self.failed = error
        finally:
            self.line.close()
            self._hang_up()

    def _start(self) -> str:
        key = uuid.uuid4().hex
        while True:
            is_new = self.line.sock is None
            try:
                if run_id := self._post({"Idempotency-Key": key}):
                    return run_id
            except _BROKEN:
                self.line.close()
                if is_new and not self.forgives:
                    raise
                time.sleep(_AGAIN_SECONDS)

    def _post(self, headers: dict[str, str]) -> str | None:
        headers |= {"X-API-Key": self.key, "Content-Type": "application/json"}
        self.line.request("POST", "/api/v1/runs", b'{"pipeline_id":"work"}', headers)
        response = self.line.getresponse()
        answer = json.loads(response.read())
        if response.status == 202:
            return answer["id"]
        assert response.status == 503, answer
        time.sleep(int(response.headers["Retry-After"]))
        return None

    def _watch(self, run_id: str) -> list[dict]:
        events: list[dict] = []
        while not events or events[-1]["type"] not in _FINAL:
            is_new = self.socket is None
            try:
                self._follow(run_id, events)
            except simple_websocket.ConnectionClosed as closed:
                assert self.forgives or closed.reason == _GOING_AWAY, closed
                self._hang_up()
            except _BROKEN:
                self._hang_up()
                if is_new and not self.forgives:
                    raise
                time.sleep(_AGAIN_SECONDS)
        return events

    def _follow(self, run_id: str, events: list[dict]) -> None:
        if self.socket is None:
            self.socket = _Socket(self.watches_at, self.key)
        self.socket.say(type="subscribe", run_id=run_id, after_seq=len(events))
        while not events or events[-1]["type"] not in _FINAL:
            heard = self.socket.hear(60)
            assert heard["type"] != "error", heard
            if heard.get("run_id") == run_id and heard.get("seq"):
                events.append(heard)
        self.socket.say(type="unsubscribe", run_id=run_id)

    def _hang_up(self) -> None:
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.sock.shutdown(socket.SHUT_RDWR)
            self.socket.thread.join(5)
            self.socket.sock.close()
            self.socket = None
