"""The floor: the same web server, broker and workers, with nothing of Studio in between."""

from __future__ import annotations

import os

import dramatiq
import redis
from flask import Flask, request

from app.infra import broker

_client = redis.Redis.from_url(os.environ.get("FLOOR_REDIS", "redis://127.0.0.1:1"))
if "FLOOR_REDIS" in os.environ:
    broker.connect(os.environ["FLOOR_REDIS"])

    @dramatiq.actor(queue_name="runs")
    def advance_run() -> None:
        """Does nothing, and counts it."""
        _client.incr("done")


app = Flask(__name__)


@app.post("/api/v1/runs")
def accept() -> tuple[dict[str, object], int]:
    """Enqueues one no-op."""
    request.get_json()
    broker.ring("runs")
    return {"run_id": "none"}, 202


@app.get("/done")
def done() -> dict[str, int]:
    """How many were done."""
    return {"done": int(_client.get("done") or 0)}
