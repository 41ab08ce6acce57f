"""Recorded runs, and `fm ci` that holds them against a changed document; all is executed."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.infra import egress
from app.models import StageRun
from tests.cli.documents import note, pipeline
from tests.conftest import wait_until

LINE = note("line", "Hello, {{ input.name }}!")
LOUD = note("loud", "{{ upper(upstream.line.result) }}")
GREET = pipeline("greet", LINE, LOUD, output_stage_id="loud")


class World(ThreadingHTTPServer):
    """A server that counts its answers: each has another number."""

    daemon_threads, count = True, 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Counting(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.count += 1
        body = json.dumps({"n": self.server.count}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def world(api):
    """What stages that reach out find."""
    server = World(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    egress.connect(("127.0.0.0/8",))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def record(worker):
    """Runs a saved pipeline to its end; gives the run's id."""

    def record(pipeline_name, status="completed", **input):
        run_id = worker.post("/run", {"pipeline": pipeline_name, "input": input})["run_id"]
        wait_until(lambda: worker.get(f"/runs/{run_id}")["status"] == status)
        return run_id

    return record


@pytest.fixture
def ci(cli, write):
    """Holds runs against a changed document."""

    def ci(document, *words, runs="last:50"):
        path = write(f"{document['name']}.pipeline.json", document)
        return cli("ci", "--runs", runs, "--pipeline", path, *words)

    return ci


@pytest.fixture
def ada(worker, record):
    """A run of `greet`, which is saved."""
    worker.post("/pipelines", GREET)
    return record("greet", name="Ada")


def call(world, name="call", **members):
    return {
        "id": name,
        "component_type": "http_request",
        "config": {"url": world.url},
        **members,
    }


def changed(document, stage_id, **members):
    """The document with other members of a stage."""
    stages = [{**s, **members} if s["id"] == stage_id else s for s in document["stages"]]
    return {**document, "stages": stages}


def spent(run_id, stage_id, dollars):
    """Says what a recorded stage cost."""
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "cost_usd": dollars}
    StageRun.update(usage=usage).where(
        StageRun.run == run_id, StageRun.stage_id == stage_id
    ).execute()
