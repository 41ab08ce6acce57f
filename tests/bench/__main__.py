"""`python -m tests.bench [--runs N] [--json FILE]`: every figure, in one go, as a table and JSON.

PostgreSQL is measured when TEST_DATABASE_URL names a server on which databases may be made.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator

import migrations
from tests.bench import engine, memory, runs, snapshots, sockets
from tests.bench.studio import floor, studio
from tests.conftest import own_postgres


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Measure Studio beside a bare floor.")
    parser.add_argument("--runs", type=int, default=2000, help="runs of each throughput figure")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    table = dict(_tables(options.runs))
    for title, figures in table.items():
        print(f"\n{title}")
        for name, value in figures.items():
            print(f"  {name:38} {value:12,.3f}" if value < 10 else f"  {name:38} {value:12,.0f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(table, file, indent=2)


def _tables(total: int) -> Iterator[tuple[str, dict[str, float]]]:
    yield "engine alone", engine.measure()
    yield "one process that drives", memory.figures()
    yield "one run watched by many, one web process", sockets.figures()
    yield "snapshots, SQLite", snapshots.figures(None)
    with floor() as url:
        yield "floor", runs.floor_figures(url, total)
    with studio(None) as url:
        yield "SQLite", runs.figures(url, total)
    if given := os.environ.get("TEST_DATABASE_URL"):
        with own_postgres(given, f"fm_bench_{os.getpid()}") as database_url:
            migrations.up(database_url)
            with studio(database_url) as url:
                yield "PostgreSQL", runs.figures(url, total)
        with own_postgres(given, f"fm_bench_{os.getpid()}") as database_url:
            yield "snapshots, PostgreSQL", snapshots.figures(database_url)


if __name__ == "__main__":
    main()
