"""What a loop of 10,000 items adds to the memory of the process that drives it (Linux)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import KEYS, own_redis

ITEMS = 10_000


def figures() -> dict[str, float]:
    """Name -> megabytes, of a process of its own on SQLite."""
    with own_redis() as redis_url, tempfile.TemporaryDirectory(prefix="fm-") as folder:
        environment = {
            **os.environ,
            **KEYS,
            "FLOWMASON_HOME": folder,
            "REDIS_URL": redis_url,
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        }
        told = subprocess.run(
            [sys.executable, "-m", "tests.bench.memory"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return {f"foreach {ITEMS}, peak growth, MB": float(told)}


def _peak_megabytes() -> float:
    (line,) = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    ]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Drives a short loop, then a long one; prints how much the peak has grown."""
    import config
    import migrations

    migrations.up(config.settings().database_url)

    from app.core.principal import Principal
    from app.models import Organization
    from app.services.pipelines.documents import create_pipeline
    from app.services.runs import drive
    from app.services.runs.start import start_run
    from tests.bench.engine import loop
    from workers import threads  # connects this process as a worker's

    threads.start_all()
    org = Organization.create(name="bench", slug="bench")
    who = Principal(org.id, frozenset({"admin"}), "local")
    create_pipeline(who, loop(ITEMS))
    peaks = []
    for items in (100, ITEMS):
        start_run(who, f"loop-{ITEMS}", {"items": items})
        drive.advance_run()
        peaks.append(_peak_megabytes())
    print(peaks[1] - peaks[0])


if __name__ == "__main__":
    main()
