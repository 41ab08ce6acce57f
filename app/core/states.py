"""Statuses and their legal moves, and what starts a run: the only place.

A status without a row of moves is final.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"  #: waits for a worker
    RUNNING = "running"  #: held by one worker, or parked
    PAUSED = "paused"  #: waits for a person
    COMPLETED = "completed"  #: ended with an output
    FAILED = "failed"  #: ended with an error
    CANCELLED = "cancelled"  #: stopped


class TriggerType(StrEnum):
    """What started a run."""

    API = "api"  #: a request
    WEBHOOK = "webhook"  #: a call of an inbound webhook
    SCHEDULE = "schedule"  #: a cron line that came due
    REPLAY = "replay"  #: another run, done again from a place in it
    WHAT_IF = "what_if"  #: another run, done again with something changed
    TEST = "test"  #: a test of its pipeline
    SUBPIPELINE = "subpipeline"  #: a stage of another run


class StageStatus(StrEnum):
    """Where one stage run stands."""

    PENDING = "pending"  #: not started, or waits for its next attempt
    RUNNING = "running"  #: an attempt is under way, or an owner's bodies are
    COMPLETED = "completed"  #: has its output
    FAILED = "failed"  #: out of attempts
    SKIPPED = "skipped"  #: never ran, `skip_reason` says why
    CANCELLED = "cancelled"  #: abandoned when its body or its run ended


RUN_MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.COMPLETED,
            RunStatus.FAILED,
            RunStatus.CANCELLED,
            RunStatus.PAUSED,
            RunStatus.PENDING,
        }
    ),
    RunStatus.PAUSED: frozenset({RunStatus.PENDING, RunStatus.CANCELLED}),
}

STAGE_MOVES: Mapping[StageStatus, frozenset[StageStatus]] = {
    StageStatus.PENDING: frozenset(
        {StageStatus.RUNNING, StageStatus.SKIPPED, StageStatus.CANCELLED}
    ),
    StageStatus.RUNNING: frozenset(
        {
            StageStatus.COMPLETED,
            StageStatus.FAILED,
            StageStatus.CANCELLED,
            StageStatus.PENDING,
        }
    ),
}


def is_final(status: RunStatus | StageStatus) -> bool:
    """Whether no move leads on from `status`."""
    return status not in RUN_MOVES if isinstance(status, RunStatus) else status not in STAGE_MOVES
