"""A load balancer for one web process at a time, which may be replaced by another."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.conftest import wait_until


class Proxy:
    """Passes each new connection at `port` on to the web process that `route` named last."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._server.getsockname()[1]
        self._target = 0
        self._lock = threading.Lock()
        self._silent: set[socket.socket] = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def route(self, port: int) -> None:
        """New connections go to this port. Returns once all that went elsewhere are established
        beyond doubt: each has been answered at least once."""
        with self._lock:
            self._target = port
            earlier = set(self._silent)
        wait_until(lambda: not earlier & self._silent, 60)

    def close(self) -> None:
        """Takes no more connections."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            with self._lock:
                web = socket.create_connection(("127.0.0.1", self._target))
                self._silent.add(web)
            with web:
                back = threading.Thread(target=self._pass_on, args=[web, client], daemon=True)
                back.start()
                self._pass_on(client, web)
                back.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._silent.discard(source)
                sink.sendall(data)
        self._silent.discard(source)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
