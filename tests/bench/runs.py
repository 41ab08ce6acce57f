"""Runs through the whole house, over HTTP and the WebSocket."""

from __future__ import annotations

import contextlib
import json
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import simple_websocket

from tests.bench import waiting
from tests.bench.engine import chain, loop, nested, wide
from tests.bench.load import Client, at_once, percentile

CLIENTS = 16


def floor_figures(url: str, total: int) -> dict[str, float]:
    """The floor: accepted and done a second."""
    client = Client(url)
    before = client.ask("GET", "/done")["done"]
    began = time.perf_counter()
    accepted = at_once(url, CLIENTS, total, lambda c, _: c.ask("POST", "/api/v1/runs", {}))
    while client.ask("GET", "/done")["done"] < before + total:
        time.sleep(0.01)
    done = time.perf_counter() - began
    return {"floor accepted/s": total / accepted, "floor end to end/s": total / done}


def figures(url: str, total: int) -> dict[str, float]:
    """Every figure of one Studio."""
    deploy(url)
    at_once(url, CLIENTS, 100, lambda c, _: start(c, "chain-1"))  # warm caches and connections
    time.sleep(1)
    found: dict[str, float] = {}
    for stages in (1, 3, 10):
        accepted, done = _throughput(url, f"chain-{stages}", total)
        if stages == 1:
            found["accepted runs/s"] = total / accepted
        found[f"end to end, {stages} stages, runs/s"] = total / done
    found["chain of 40 pure, s"] = statistics.median(_durations(url, "chain-40", 7))
    with _durable_chain(url) as pipeline:
        found["chain of 40 durable (HTTP), s"] = statistics.median(_durations(url, pipeline, 5))
        lags = _event_lags(url, pipeline)
    found["foreach 10000, s"] = min(_durations(url, "loop-10000", 2, {"items": 10_000}))
    found["fan-out of 1000 and join, s"] = min(_durations(url, "wide-1000", 3))
    found["60 owners nested, s"] = statistics.median(_durations(url, "nested-60", 5))
    found["100 child runs in a chain, s"] = min(_durations(url, "children-100", 3))
    waits = _sparse(url, 60)
    found["sparse dispatch p50, ms"] = percentile(waits, 0.5)
    found["sparse dispatch p99, ms"] = percentile(waits, 0.99)
    found |= waiting.figures(url, 60)
    found["event to WebSocket p50, ms"] = percentile(lags, 0.5)
    found["event to WebSocket p99, ms"] = percentile(lags, 0.99)
    return found


def deploy(url: str) -> None:
    """Saves the documents that are measured."""
    client = Client(url)
    chains = [chain(length) for length in (1, 3, 10, 40)]
    for document in (*chains, loop(10_000), wide(1000), nested(60), children(100)):
        client.ask("POST", "/api/v1/pipelines", document)


def children(count: int) -> dict:
    """Stages one after the other, each of which runs another pipeline and waits for it."""
    config = {"pipeline_id": "chain-1", "input_data": {"n": 1}}
    stages = [
        {
            "id": f"s{n}",
            "component_type": "subpipeline",
            "config": config,
            "depends_on": [f"s{n - 1}"] if n else [],
        }
        for n in range(count)
    ]
    return {"name": f"children-{count}", "stages": stages}


def start(client: Client, pipeline: str, input: dict | None = None) -> str:
    """Starts a run; gives its id."""
    body = {"pipeline_id": pipeline, "input": input or {"n": 1}}
    return client.ask("POST", "/api/v1/runs", body)["run_id"]


def finished(client: Client, run_id: str, poll_seconds: float = 0.005) -> dict:
    """The run, once it completed."""
    while True:
        status = client.ask("GET", f"/api/v1/runs/{run_id}/status")
        if status["status"] == "completed":
            return client.ask("GET", f"/api/v1/runs/{run_id}")
        assert status["status"] in ("pending", "running"), status
        time.sleep(poll_seconds)


def _throughput(url: str, pipeline: str, total: int) -> tuple[float, float]:
    """Seconds until all were accepted, and until all were done."""
    ids: list[str] = []
    began = time.perf_counter()
    accepted = at_once(url, CLIENTS, total, lambda c, _: ids.append(start(c, pipeline)))
    client = Client(url)
    for run_id in ids[-CLIENTS * 2 :] + ids[:1]:
        finished(client, run_id, 0.02)
    done = time.perf_counter() - began
    for run_id in ids[:: max(1, total // 50)]:
        finished(client, run_id)
    return accepted, done


def _durations(url: str, pipeline: str, times: int, input: dict | None = None) -> list[float]:
    client = Client(url)
    # The server tells how long it took; asking often would only take its time.
    return [
        finished(client, start(client, pipeline, input), 0.05)["duration_ms"] / 1000
        for _ in range(times)
    ]


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # One write: two small ones would wait for each other's acknowledgement.
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _durable_chain(url: str) -> Iterator[str]:
    """Forty calls of a server that answers at once, one after the other; gives their pipeline."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = f"http://127.0.0.1:{server.server_port}/"
    stages = [
        {
            "id": f"s{n}",
            "component_type": "http_request",
            "config": {"url": target},
            "depends_on": [f"s{n - 1}"] if n else [],
        }
        for n in range(40)
    ]
    Client(url).ask("POST", "/api/v1/pipelines", {"name": "http-40", "stages": stages})
    try:
        yield "http-40"
    finally:
        server.shutdown()
        server.server_close()


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _sparse(url: str, times: int) -> list[float]:
    """Milliseconds from the acceptance of a lone run to its start."""
    client, waits = Client(url), []
    for _ in range(times):
        run = finished(client, start(client, "chain-1"))
        waits.append((_instant(run["started_at"]) - _instant(run["created_at"])) * 1000)
        time.sleep(0.1)
    return waits


def _event_lags(url: str, pipeline: str) -> list[float]:
    """Milliseconds from an event's time to its arrival, of the runs of a pipeline."""
    client, lags = Client(url), []
    socket = simple_websocket.Client(url.replace("http", "ws") + "/api/v1/ws/runs")
    assert json.loads(socket.receive(5))["type"] == "connected"
    for _ in range(3):
        run_id = start(client, pipeline)
        socket.send(json.dumps({"type": "subscribe", "run_id": run_id}))
        while True:
            event = json.loads(socket.receive(10))
            if event.get("seq"):
                lags.append((time.time() - _instant(event["timestamp"])) * 1000)
            if event["type"] == "run_completed":
                break
    socket.close()
    return lags
