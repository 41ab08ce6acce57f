"""The sweep: finds runs whose worker is gone and rows nobody was told of. The net under all bells.

Every act is a compare-and-set, so any number of processes may sweep at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import redis

import config
from app.core.errors import LeaseLost, RunError
from app.engine.instance import Cancelled, Failed
from app.infra import broker
from app.infra.database import statement
from app.models import journal_sql
from app.services import figures
from app.services.runs import commands, stopping
from config.logging import bound

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0
MAX_RECOVERIES = 5  #: in a row, without any stage finishing


def sweep_if_elected() -> None:
    """Sweeps in the one process that is elected for these two seconds."""
    if broker.elected_to_sweep():
        sweep()


def sweep() -> int:
    """Hands lost runs back and rings for what is due and unheard; returns how many were lost."""
    found = journal_sql.sweep()
    lost = [(run_id, epoch) for due, run_id, epoch in found if due == "lost"]
    for run_id, epoch in lost:
        _recover(run_id, epoch)
    _ring_for({"runs": len(found), "tests": journal_sql.due_test_runs()})
    return len(lost)


def _recover(run_id: str, epoch: int) -> None:
    with statement():
        org_id = journal_sql.hand_over(run_id, epoch, MAX_RECOVERIES)
    if org_id is None:
        return _end(run_id, epoch)
    figures.run_recovered()
    with bound(run_id=run_id, org_id=org_id):
        log.warning("run recovered", extra={"action": "run_recovered"})


def _end(run_id: str, epoch: int) -> None:
    """Ends a lost run that was to stop, or that made no progress for too long."""
    with statement():
        row = journal_sql.take_over(run_id, epoch, config.settings().lease_seconds)
    if row is None:
        return  # its worker came back, or another sweep was first
    outcome = Cancelled() if commands.is_stop(row["control"]) else Failed(_exhausted())
    try:
        children = stopping.end_unheld(row, outcome)
    except LeaseLost:
        with bound(run_id=run_id, org_id=row["org_id"]):
            log.debug("lost run taken meanwhile", extra={"action": "lease_lost"})
        return
    for child in children:
        stopping.stop_run(child, commands.stopped_by(row["control"]))


def _exhausted() -> RunError:
    return RunError(
        "EXECUTION",
        f"The run's worker was lost {MAX_RECOVERIES + 1} times with no stage finished in between.",
        details={"reason": "recovery_exhausted"},
    )


def _ring_for(due: Mapping[str, int]) -> None:
    """Rings once for each due row, when its bell may be lost: Redis was emptied, or none waits."""
    try:
        emptied = broker.was_emptied()
        for bell, times in due.items():
            if times and (emptied or broker.is_quiet(bell)):
                broker.ring(bell, times)
        if emptied:
            broker.mark_filled()
    except (redis.RedisError, ConnectionError):
        log.debug("Redis is away", extra={"action": "sweep_without_redis"})
