"""Clients in a process of their own: keep-alive connections, one thread each."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit


class Client:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """The answer's JSON. Fails on an error status."""
        try:
            response = self._exchange(method, path, body)
        except ConnectionError:
            if method != "GET":
                raise
            self.connection.close()  # the server let an idle connection go
            response = self._exchange(method, path, body)
        answer = json.loads(response.read())
        assert response.status < 400, answer
        return answer

    def _exchange(self, method: str, path: str, body: object) -> http.client.HTTPResponse:
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        return self.connection.getresponse()


def at_once(url: str, clients: int, total: int, act: Callable[[Client, int], None]) -> float:
    """Seconds that `clients` take for `total` acts, each with a connection of its own."""
    numbers, lock, failed = itertools.count(), threading.Lock(), []

    def work() -> None:
        client = Client(url)
        while not failed:
            with lock:
                number = next(numbers)
            if number >= total:
                return
            try:
                act(client, number)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    took = time.perf_counter() - began
    if failed:
        raise failed[0]
    return took


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
