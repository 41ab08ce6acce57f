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

from app.core.wire import dumps_bytes
from tests.bench.engine import chain, loop
from tests.bench.load import percentile
from tests.conftest import KEYS, own_redis

STAGES, LONG = 100, 1000
STAGE_BYTES = 5000
ROUNDS = 300  # a run takes about as long as it is uncertain: only many tell them apart


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


def carrying(kind: str) -> dict:
    """A chain in which every stage gives a text of its own."""
    source, stages = random.Random(1), []
    for n in range(STAGES):
        text = "".join(source.choices("abcdefghijklmnopqrstuvwxyz ", k=STAGE_BYTES))
        needs = [f"s{n - 1}"] if n else []
        stages.append(
            {"id": f"s{n}", "component_type": kind, "config": {"data": text}, "depends_on": needs}
        )
    return {"name": f"carrying-{kind}", "stages": stages}


def main() -> None:
    """Measures in this process, which is a worker and the API in one."""
    import config
    import migrations

    migrations.up(config.settings().database_url)

    from workers import threads  # connects this process as a worker's

    threads.start_all()
    bench = _Bench()
    print(json.dumps({**bench.costs(), **bench.states()}))


class _Bench:
    """An organisation, and what it measures."""

    def __init__(self) -> None:
        from app.core.principal import Principal
        from app.models import Organization

        organization = Organization.create(name="bench", slug="bench")
        self.who = Principal(organization.id, frozenset({"admin"}), "local")

    def deploy(self, document: dict) -> str:
        """Saves a pipeline; gives its name."""
        from app.services.pipelines.documents import create_pipeline

        create_pipeline(self.who, document)
        return document["name"]

    def run(self, pipeline: str, **input: int) -> tuple[str, float]:
        """A run that is driven to its end; its id and the seconds that it took."""
        from app.models import Run
        from app.services.runs import drive
        from app.services.runs.start import start_run

        run_id = start_run(self.who, pipeline, input).run["id"]
        began = time.perf_counter()
        drive.advance_run()
        took = time.perf_counter() - began
        assert Run.get_by_id(run_id).status == "completed"
        return run_id, took

    def costs(self) -> dict[str, float]:
        """Of stages that run on the spot, and of ones that are written before each acts."""
        from app.components import built_in
        from app.engine.component import Effect

        transform = type(built_in().find("json_transform"))
        acting = {"type": "acting", "inline": False, "effect": Effect.EFFECTFUL}
        built_in().add(type("Acting", (transform,), acting)())
        pure = self._cost(carrying("json_transform"), f"{STAGES} pure stages", ROUNDS)
        return pure | self._cost(carrying("acting"), f"{STAGES} acting stages", ROUNDS // 5)

    def _cost(self, document: dict, name: str, rounds: int) -> dict[str, float]:
        import config

        pipeline, standing = self.deploy(document), config.settings()
        took: dict[str, list[float]] = {"on": [], "off": []}
        for at in range(rounds + 2):
            for switch in ("on", "off") if at % 2 else ("off", "on"):
                config.use(replace(standing, snapshots=switch))
                run_id, seconds = self.run(pipeline)
                took[switch] += [seconds] * (at >= 2)  # the first ones warm up
                if switch == "on":
                    kept = run_id
        config.use(standing)
        on, off = statistics.median(took["on"]), statistics.median(took["off"])
        return {
            f"{name}, snapshots on, ms": on * 1000,
            f"{name}, snapshots off, ms": off * 1000,
            f"{name}, cost of snapshots, %": 100 * (on / off - 1),
            f"{name}, all rows / unique bytes": _stored(kept) / (STAGES * STAGE_BYTES),
        }

    def states(self) -> dict[str, float]:
        """Opening states of a chain and of a loop, and their timeline."""
        found = {}
        for document in (chain(LONG), loop(LONG)):
            run_id, _ = self.run(self.deploy(document), n=1, items=LONG)
            found |= self._opened(document["name"], run_id)
        return found

    def _opened(self, name: str, run_id: str) -> dict[str, float]:
        from app.services.runs import timetravel

        began = time.perf_counter()
        told = timetravel.get_timeline(self.who, run_id)
        listed = time.perf_counter() - began
        ids = [entry["id"] for entry in told["entries"]]
        waits = []
        for id in [*random.Random(1).sample(ids, 60), *ids[-2:]]:
            began = time.perf_counter()
            dumps_bytes(timetravel.get_snapshot(self.who, run_id, id))
            waits.append(1000 * (time.perf_counter() - began))
        return {
            f"{name}, timeline, ms": 1000 * listed,
            f"{name}, any state p50, ms": percentile(waits, 0.5),
            f"{name}, any state p99, ms": percentile(waits, 0.99),
        }


def _stored(run_id: str) -> int:
    """Bytes of all values of a run's rows, as they are stored."""
    from app.models import Run, RunEvent, Snapshot, StageRun
    from app.models.base import raw

    size = 0
    for table, owner in ((Run, "id"), (StageRun, "run"), (RunEvent, "run"), (Snapshot, "run")):
        rows = table.select(*map(raw, table._meta.sorted_fields))
        for row in rows.where(getattr(table, owner) == run_id).tuples():
            size += sum(len(str(value)) for value in row if value is not None)
    return size


if __name__ == "__main__":
    main()
