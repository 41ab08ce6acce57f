"""What snapshots cost: time and bytes of a run of 100 stages that carries 0.5 MB; and how long it
takes to open any state of a run of 1000 stages.

`python -m tests.bench.snapshots` prints the figures of the database that DATABASE_URL names.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

from tests.conftest import KEYS, own_redis

STAGES, LONG = 100, 1000
STAGE_BYTES = 5000
ROUNDS = 40


def figures(database_url: str | None) -> dict[str, float]:
    """Name -> figure, of a process of its own; None: on SQLite."""
    with own_redis() as redis_url, tempfile.TemporaryDirectory(prefix="fm-") as folder:
        environment = {
            **os.environ,
            **KEYS,
            "FLOWMASON_HOME": folder,
            "REDIS_URL": redis_url,
            "DATABASE_URL": database_url or f"sqlite:///{folder}/bench.db",
        }
        told = subprocess.run(
            [sys.executable, "-m", "tests.bench.snapshots"],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    return dict(json.loads(told))


def carrying(kind: str, field: str) -> dict:
    """A chain in which every stage adds its own text to what it passes on."""
    source, stages = random.Random(1), []
    for n in range(STAGES):
        text = "".join(source.choices("abcdefghijklmnopqrstuvwxyz ", k=STAGE_BYTES))
        needs = [f"s{n - 1}"] if n else []
        stages.append(
            {"id": f"s{n}", "component_type": kind, "config": {field: text}, "depends_on": needs}
        )
    return {"name": f"carrying-{kind}", "stages": stages}


def main() -> None:
    """Measures in this process, which is a worker and the API in one."""
    import config
    import migrations

    migrations.up(config.settings().database_url)

    from app.components import built_in
    from app.core.principal import Principal
    from app.engine.component import Effect
    from app.models import Organization, Run, RunEvent, Snapshot, StageRun
    from app.models.base import raw
    from app.services.pipelines.documents import create_pipeline
    from app.services.runs import drive, timetravel
    from app.services.runs.start import start_run
    from tests.bench.engine import chain
    from workers import threads  # connects this process as a worker's

    threads.start_all()
    organization = Organization.create(name="bench", slug="bench")
    who = Principal(organization.id, frozenset({"admin"}), "local")
    durable = type(
        "Durable",
        (type(built_in().find("json_transform")),),
        {"type": "durable", "inline": False, "effect": Effect.EFFECTFUL},
    )
    built_in().add(durable())

    def timed(pipeline: str, n: int = 1) -> tuple[str, float]:
        run_id = start_run(who, pipeline, {"n": n}).run["id"]
        began = time.perf_counter()
        drive.advance_run()
        took = time.perf_counter() - began
        assert Run.get_by_id(run_id).status == "completed"
        return run_id, took

    def cost(pipeline: str, rounds: int) -> tuple[str, dict[str, float]]:
        standing = config.settings()
        took: dict[str, list[float]] = {"on": [], "off": []}
        for at in range(rounds + 2):
            for switch in ("on", "off") if at % 2 else ("off", "on"):
                config.use(replace(standing, snapshots=switch))
                run_id, seconds = timed(pipeline)
                if at >= 2:
                    took[switch].append(seconds)
                if switch == "on":
                    kept = run_id
        config.use(standing)
        on, off = statistics.median(took["on"]), statistics.median(took["off"])
        name = f"{STAGES} stages, {pipeline}"
        return kept, {
            f"{name}, snapshots on, ms": on * 1000,
            f"{name}, off, ms": off * 1000,
            f"{name}, snapshots cost, %": 100 * (on / off - 1),
        }

    def stored(table, run_id: str) -> int:
        rows = table.select(*(raw(c) for c in table._meta.sorted_fields))
        column = table.run if hasattr(table, "run") else table.id
        rows = rows.where(column == run_id).tuples()
        return sum(len(str(value)) for row in rows for value in row if value is not None)

    found: dict[str, float] = {}
    for kind, field, rounds in (
        ("json_transform", "data", ROUNDS),
        ("durable", "data", ROUNDS // 2),
    ):
        create_pipeline(who, carrying(kind, field))
        run_id, told = cost(f"carrying-{kind}", rounds)
        found |= told
        unique = STAGES * STAGE_BYTES
        tables = (Run, StageRun, RunEvent, Snapshot)
        found[f"{kind}: bytes of all rows / unique"] = (
            sum(stored(t, run_id) for t in tables) / unique
        )
        found[f"{kind}: bytes of snapshots / unique"] = stored(Snapshot, run_id) / unique

    create_pipeline(who, chain(LONG))
    run_id, _ = timed(f"chain-{LONG}")
    ids = [entry["id"] for entry in timetravel.get_timeline(who, run_id)["entries"]]
    opened = []
    for id in [ids[-1], *random.Random(1).sample(ids, 60), ids[-1]]:
        began = time.perf_counter()
        timetravel.get_snapshot(who, run_id, id)
        opened.append((time.perf_counter() - began) * 1000)
    found[f"state of a run of {LONG}, median, ms"] = statistics.median(opened)
    found[f"state of a run of {LONG}, worst, ms"] = max(opened)
    began = time.perf_counter()
    timetravel.get_timeline(who, run_id)
    found[f"timeline of a run of {LONG}, ms"] = (time.perf_counter() - began) * 1000
    print(json.dumps(found))


if __name__ == "__main__":
    main()
