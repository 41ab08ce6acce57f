"""One run watched by many: deliveries a second of one web process, and how late they are.

`python -m tests.bench.sockets` measures this alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import migrations
from app.core import clock
from app.core.principal import Principal
from app.infra import broker, bus, database
from app.models import Membership, Organization, Run, RunEvent, User
from app.services.identity.apikeys import create_api_key
from app.services.pipelines.documents import create_pipeline
from app.services.runs.start import start_run
from tests.api.runs.web import Web, web_process
from tests.bench.load import percentile
from tests.bench.studio import PROJECT
from tests.conftest import own_redis
from tests.rawsocket import RawSocket

CLIENTS = 200
RATES = (10, 50, 100, 200)
SECONDS = 8
_OUTPUT = "x" * 300


def figures() -> dict[str, float]:
    """Deliveries a second and their lag, for each rate of events, beside one stalled reader."""
    found: dict[str, float] = {}
    with _web() as (web, who, key):
        for rate in RATES:
            run_id = start_run(who, "watched", {}).run["id"]
            stalled = _stalled(web.port, key, run_id)
            before = _cpu_seconds(web)
            took, lags = _deliver(web, key, run_id, rate)
            used = _cpu_seconds(web) - before
            stalled.close()
            name = f"{rate} events/s to {CLIENTS}"
            found[f"{name}, deliveries/s"] = len(lags) / took
            # What the watch of the hub had read from the journal does not tell when it was sent.
            found[f"{name}, from the journal"] = rate * SECONDS * CLIENTS - len(lags)
            found[f"{name}, p50, ms"] = percentile(lags, 0.5)
            found[f"{name}, p99, ms"] = percentile(lags, 0.99)
            found[f"{name}, web process, % of a core"] = 100 * used / took
    return found


@contextlib.contextmanager
def _web() -> Iterator[tuple[Web, Principal, str]]:
    with own_redis() as redis_url, tempfile.TemporaryDirectory(prefix="fm-") as folder:
        database_url = f"sqlite:///{folder}/bench.db"
        migrations.up(database_url)
        database.connect(database_url)
        bus.connect(redis_url)
        broker.connect(redis_url)
        org = Organization.create(name="bench", slug="bench")
        user = User.create(email="bench@bench.test", name="Bench")
        Membership.create(org_id=org.id, user_id=user.id, role="owner")
        who = Principal(org.id, frozenset({"admin"}), "session", user_id=user.id)
        create_pipeline(who, {"name": "watched", "stages": [_STAGE]})
        key = create_api_key(who, name="bench", scopes=["runs:read"])["key"]
        places = {"database_url": database_url, "redis_url": redis_url, "home": Path(folder)}
        with web_process(SimpleNamespace(**places)) as web:
            yield web, who, key
        database.disconnect()


_STAGE = {"id": "a", "component_type": "logger", "config": {"message": "here"}}


def _stalled(port: int, key: str, run_id: str) -> RawSocket:
    client = RawSocket(port, key, received_bytes=4096)
    client.say(json.dumps({"type": "subscribe", "run_id": run_id}))
    return client


def _deliver(web: Web, key: str, run_id: str, rate: int) -> tuple[float, list[float]]:
    """Seconds from the first event to the last delivery, and the lags of all deliveries."""
    last = rate * SECONDS
    command = [sys.executable, "-m", "tests.bench.watchers", str(web.port), key, run_id]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, str(CLIENTS)], cwd=PROJECT, **pipes) as watchers:
        assert watchers.stdout.readline() == "ready\n"
        watchers.stdin.write(f"{last}\n")
        watchers.stdin.flush()
        began = time.perf_counter()
        for seq in range(1, last + 1):
            time.sleep(max(0.0, began + seq / rate - time.perf_counter()))
            _publish(run_id, seq)
        lags = json.loads(watchers.stdout.readline())
        return time.perf_counter() - began, lags


def _cpu_seconds(web: Web) -> float:
    """What the serving process has used so far (Linux)."""
    master = web.process.pid
    (worker,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    user, system = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _publish(run_id: str, seq: int) -> None:
    """Stores an event and publishes it, as a worker does."""
    at, kind = clock.now(), "stage_completed"
    with database.transaction():
        RunEvent.create(run=run_id, seq=seq, type=kind, data={"output": _OUTPUT}, at=at)
        Run.update(event_seq=seq).where(Run.id == run_id).execute()
    event = {"seq": seq, "type": kind, "run_id": run_id, "timestamp": clock.text(at)}
    sent = {"sent": round(time.time(), 6), "output": _OUTPUT}
    bus.publish_events(run_id, [json.dumps(event | sent, separators=(",", ":")).encode()])


def main() -> None:
    """Measures and prints."""
    for name, value in figures().items():
        print(f"{name:42} {value:10,.1f}")


if __name__ == "__main__":
    main()
