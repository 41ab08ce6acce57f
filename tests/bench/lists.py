"""Pages of runs and of stage runs over a table of very many runs: `python -m tests.bench.lists`.

Asked of the API itself, in this process, on SQLite and on TEST_DATABASE_URL.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from urllib.parse import urlencode

from flask.testing import FlaskClient

import config
import migrations
from app.api import build_app
from app.core import clock
from app.infra import broker, bus
from app.infra import database as db
from tests.bench.filling import YEAR_MS, Filled, add_loop, fill
from tests.bench.load import percentile
from tests.conftest import KEYS, own_postgres, own_redis

RUNS, LOOP = "/api/v1/runs", 10_000


def figures(url: str, total: int, rounds: int = 3) -> dict[str, float]:
    """Every figure of one database, which is empty but for its schema."""
    with own_redis() as redis_url:
        environ = {**KEYS, "DATABASE_URL": url, "REDIS_URL": redis_url}
        settings = config.use(config.load(environ))
        db.connect(url)
        bus.connect(redis_url)
        broker.connect(settings.broker_url)
        began = time.perf_counter()
        filled = fill(total)
        loop = add_loop(filled, LOOP)
        found = {f"{total} runs written, s": time.perf_counter() - began}
        client = build_app("local", settings).test_client()
        found |= _pages(client, filled, rounds) | _counts(client, filled) | _one(client, loop)
        db.disconnect()
        return found


def _pages(client: FlaskClient, filled: Filled, rounds: int) -> dict[str, float]:
    """p50 and p99 of pages, over every combination of filters and places in the list."""
    asked = list(_combinations(filled)) * rounds
    random.Random(7).shuffle(asked)  # so that a moment's stall does not fall on one filter alone
    took: dict[str, list[float]] = {}
    for name, query in asked:
        took.setdefault(name, []).extend(_walk(client, query))
    every = [one for times in took.values() for one in times]
    worst = sorted(took, key=lambda name: -percentile(took[name], 0.5))[:5]
    return {
        **{f"{len(asked)} pages, p50, ms": percentile(every, 0.5)},
        **{f"{len(asked)} pages, p99, ms": percentile(every, 0.99)},
        "slowest page, ms": max(every),
        **{f"p50 of {name}, ms": percentile(took[name], 0.5) for name in worst},
        "page of 200, no filter, p50, ms": percentile(
            [_ask(client, {"limit": 200})[0] for _ in range(20)], 0.5
        ),
    }


def _combinations(filled: Filled) -> Iterator[tuple[str, dict]]:
    since, month = filled.since_ms, YEAR_MS // 12
    status = {
        "": {},
        "completed": {"status": "completed"},
        "paused": {"status": "paused"},
        "open": {"status": ["pending", "running", "paused"]},
    }
    pipeline = {
        "": {},
        "busy": {"pipeline_id": filled.busy},
        "quiet": {"pipeline_id": "p19"},
        "version": {"pipeline_id": "p0@1.0.0"},
    }
    trigger = {"": {}, **{name: {"trigger": name} for name in ("api", "what_if", "test")}}
    times = {
        "": {},
        "month": _times(since + 5 * month, since + 6 * month),
        "tests": _times(since + int(10.3 * month), since + int(11.3 * month)),
        "hour": _times(since + 2 * month, since + 2 * month + 3_600_000),
    }
    for parts in product(status.items(), pipeline.items(), trigger.items(), times.items()):
        name = " ".join(word for word, _ in parts if word) or "no filter"
        yield name, {key: value for _, part in parts for key, value in part.items()}
    yield "children", {"parent_run_id": filled.parent}
    yield "failed children", {"parent_run_id": filled.parent, "status": "failed"}


def _times(after_ms: int, before_ms: int) -> dict[str, str]:
    return {
        "created_after": clock.text_of_ms(after_ms),
        "created_before": clock.text_of_ms(before_ms),
    }


def _walk(client: FlaskClient, query: dict) -> list[float]:
    """The times of the first page and of the one after it."""
    took, answer = _ask(client, query)
    if answer["next"] is None:
        return [took]
    return [took, _ask(client, {**query, "cursor": answer["next"]})[0]]


def _ask(client: FlaskClient, query: dict) -> tuple[float, dict]:
    return _time(client, f"{RUNS}?{urlencode(query, doseq=True)}")


def _counts(client: FlaskClient, filled: Filled) -> dict[str, float]:
    queries = {
        "no filter": {},
        "completed": {"status": "completed"},
        "busy failed": {"pipeline_id": filled.busy, "status": "failed"},
    }
    return {
        f"count=true, {name}, ms": min(
            _ask(client, {**query, "count": "true", "limit": 1})[0] for _ in range(3)
        )
        for name, query in queries.items()
    }


def _one(client: FlaskClient, run_id: str) -> dict[str, float]:
    """Reading a run with a loop of many items, and all pages of its stage runs."""
    reads = {
        f"run with a loop of {LOOP}, ms": f"{RUNS}/{run_id}",
        f"status of a loop of {LOOP}, ms": f"{RUNS}/{run_id}/status",
        f"stages of a loop of {LOOP}, a page, ms": f"{RUNS}/{run_id}/stages?limit=200",
    }
    return {
        name: percentile([_time(client, path)[0] for _ in range(20)], 0.5)
        for name, path in reads.items()
    } | _all_stages(client, f"{RUNS}/{run_id}/stages?limit=200")


def _all_stages(client: FlaskClient, path: str) -> dict[str, float]:
    took, seen, cursor = [], 0, ""
    while cursor is not None:
        one, answer = _time(client, f"{path}&cursor={cursor}" if cursor else path)
        took.append(one)
        seen, cursor = seen + len(answer["items"]), answer["next"]
    assert seen == LOOP + 1, seen
    return {"slowest page of its stages, ms": max(took)}


def _time(client: FlaskClient, path: str) -> tuple[float, dict]:
    began = time.perf_counter()
    answer = client.get(path)
    took = 1000 * (time.perf_counter() - began)
    assert answer.status_code == 200, answer.text
    return took, answer.json


def measure(total: int) -> Iterator[tuple[str, dict[str, float]]]:
    """The figures of each database."""
    with tempfile.TemporaryDirectory(prefix="fm-") as folder:
        url = f"sqlite:///{folder}/lists.db"
        migrations.up(url)
        yield "lists, SQLite", figures(url, total)
    if given := os.environ.get("TEST_DATABASE_URL"):
        with own_postgres(given, f"fm_lists_{os.getpid()}") as url:
            migrations.up(url)
            yield "lists, PostgreSQL", figures(url, total)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Measure lists over a filled table.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="runs in the table")
    for title, found in measure(parser.parse_args().rows):
        print(f"\n{title}")
        for name, value in found.items():
            print(f"  {name:48} {value:10,.1f}", flush=True)


if __name__ == "__main__":
    main()
