"""Figures of operation: counted while runs are worked on, and read when somebody asks.

What is open is counted in the database, what is over in `infra.counters`: so asking costs the same
however many runs there ever were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core import clock
from app.core.errors import Unavailable
from app.core.ids import made_at_ms
from app.infra import counters, database
from app.infra.probe import Probe
from app.models import journal_sql
from app.services.readiness import PATIENCE_SECONDS

#: Upper ends of the classes of stage durations, in milliseconds.
BUCKETS_MS = (10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000)


@dataclass(frozen=True, slots=True)
class Durations:
    """Stages of one component type: how many took at most each of BUCKETS_MS, and all together."""

    buckets: dict[int, int] = field(default_factory=dict)
    count: int = 0
    sum_ms: int = 0


CLASSES = ("team", "local")
OPEN = ("pending", "running", "paused")
#: How many are counted at most: of all that are pending, and of each other status and organisation.
COUNTED_PENDING, COUNTED_EACH = journal_sql.COUNTED_PENDING, journal_sql.COUNTED_EACH


@dataclass(frozen=True, slots=True)
class Figures:
    """`open_runs` by (organisation class, status) out of CLASSES and OPEN."""

    open_runs: Mapping[tuple[str, str], int]
    finished_runs: Mapping[str, int]
    oldest_pending_seconds: float
    stages: Mapping[str, Durations]
    flushes: int
    flush_lag_ms: int
    leases_lost: int
    recoveries: int


def stages_ended(stages: Iterable[Mapping[str, Any]]) -> None:
    """Counts stages by their rows; those that never began, or were taken over, are left out."""
    for stage in stages:
        if (took := stage["duration_ms"]) is not None and not stage["reused"]:
            bucket = next((end for end in BUCKETS_MS if took <= end), "inf")
            counters.add(f"stage|{stage['component_type']}|{bucket}")
            counters.add(f"stage|{stage['component_type']}|sum", took)


def flushed(lag_seconds: float) -> None:
    """Counts a write of events, the oldest of which had waited for so long."""
    counters.add("flush|count")
    counters.add("flush|lag", int(lag_seconds * 1000))


def run_ended(status: str) -> None:
    """Counts a run that became final."""
    counters.add(f"run|{status}")


def lease_lost() -> None:
    """Counts a worker that found its run in other hands."""
    counters.add("lease|lost")


def run_recovered() -> None:
    """Counts a run that was taken from a lost worker."""
    counters.add("run_recovered|all")


def collect() -> Figures:
    """All figures as they are now. Raises Unavailable when the database does not answer in time."""
    counted = counters.read()
    try:
        open_runs, oldest = _database.ask().result(PATIENCE_SECONDS)
    except TimeoutError:
        raise Unavailable("The database does not answer in time.") from None
    age_ms = 0 if oldest is None else max(0, clock.now_ms() - made_at_ms(oldest))
    return Figures(
        open_runs,
        {
            status: counted.get(f"run|{status}", 0)
            for status in ("completed", "failed", "cancelled")
        },
        age_ms / 1000,
        _durations(counted),
        counted.get("flush|count", 0),
        counted.get("flush|lag", 0),
        counted.get("lease|lost", 0),
        counted.get("run_recovered|all", 0),
    )


def _look() -> tuple[dict[tuple[str, str], int], str | None]:
    try:
        found = {(kind, status): 0 for kind in CLASSES for status in OPEN}
        for is_local, status, n in journal_sql.open_runs():
            found[CLASSES[is_local], status] = n
        return found, journal_sql.oldest_pending()
    finally:
        database.release()


_database = Probe(_look)


def _durations(counted: Mapping[str, int]) -> dict[str, Durations]:
    types = {name.split("|")[1] for name in counted if name.startswith("stage|")}
    return {type: _of_type(counted, f"stage|{type}|") for type in sorted(types)}


def _of_type(counted: Mapping[str, int], prefix: str) -> Durations:
    total, buckets = 0, {}
    for end in BUCKETS_MS:
        total += counted.get(f"{prefix}{end}", 0)
        buckets[end] = total
    return Durations(
        buckets, total + counted.get(f"{prefix}inf", 0), counted.get(f"{prefix}sum", 0)
    )
