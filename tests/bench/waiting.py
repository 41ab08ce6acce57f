"""Lone runs of one stage, waited for in the two ways that HTTP offers."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from urllib.parse import urlsplit

from tests.bench.load import Client, percentile

PAUSE_SECONDS = 0.1


def figures(url: str, times: int) -> dict[str, float]:
    """Name -> milliseconds, of `chain-1`, which must be deployed."""
    waits, streams, lags = _waits(url, times), [], []
    for _ in range(times):
        began = time.perf_counter()
        lags += list(_lags(url))
        streams.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_SECONDS)
    named = {"waiting POST /run": waits, "POST /runs and SSE": streams, "event to SSE": lags}
    return {
        f"{name} p{int(share * 100)}, ms": percentile(values, share)
        for name, values in named.items()
        for share in (0.5, 0.99)
    }


def _waits(url: str, times: int) -> list[float]:
    client, waits = Client(url), []
    for _ in range(times):
        body = {"pipeline": "chain-1", "input": {"n": 1}, "async_mode": False}
        began = time.perf_counter()
        assert client.ask("POST", "/api/v1/run", body)["status"] == "completed"
        waits.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_SECONDS)
    return waits


def _lags(url: str) -> Iterator[float]:
    """Starts a run and reads its stream to the end: from each event's time to its arrival."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as line:
        text = json.dumps({"pipeline_id": "chain-1", "input": {"n": 1}})
        line.request("POST", "/api/v1/runs", text, {"Content-Type": "application/json"})
        run_id = json.loads(line.getresponse().read())["id"]
        line.request("GET", f"/api/v1/runs/{run_id}/events/stream")
        answer = line.getresponse()
        while text := answer.readline().decode():
            if text.startswith("data: "):
                at = json.loads(text.removeprefix("data: "))["timestamp"]
                yield (time.time() - datetime.fromisoformat(at).timestamp()) * 1000
