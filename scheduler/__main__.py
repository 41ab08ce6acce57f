"""`python -m scheduler`: ticks until SIGTERM or SIGINT, then exits 0."""

from __future__ import annotations

import signal
import sys
from functools import partial

import config
import config.logging
from app.infra import broker, bus, counters, database
from app.services.runs import recover
from scheduler.metronome import HouseJob, Metronome

HOUSE_JOBS = {"keep-house": HouseJob(every_seconds=3600, send=partial(broker.ring, "housekeeping"))}


def main() -> None:
    """Runs the scheduler. Exits 1 with a sentence when a setting is missing or wrong."""
    try:
        settings = config.settings()
        config.check_required(settings)
    except config.BadSettings as refused:
        sys.exit(f"scheduler: {refused}")
    config.logging.configure(settings)
    _beat(settings)


def _beat(settings: config.Settings) -> None:
    database.connect(settings.database_url, max_connections=2)
    bus.connect(settings.redis_url)
    broker.connect(settings.broker_url)
    metronome = Metronome(bus.client(), HOUSE_JOBS, each_beat=(_sweep, counters.flush))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: metronome.stop())
    metronome.beat_until_stopped()


def _sweep() -> None:
    try:
        recover.sweep_if_elected()
    finally:
        database.release()


if __name__ == "__main__":
    main()
