"""ACCEPT, CLAIM, FLUSH, SETTLE, SWEEP: the hot path as plain SQL; all writes of a run's status.

On PostgreSQL each is one statement; on SQLite the same steps stand in one transaction, which the
caller opens (`infra.database.statement`). Leases are written and compared by the database's clock.
Nothing here commits.
"""

from __future__ import annotations

from app.models.journal_sql.accept import (
    Version,
    accept,
    accept_anew,
    accept_fork,
    find_version,
    open_child,
)
from app.models.journal_sql.backlog import (
    COUNTED_EACH,
    COUNTED_PENDING,
    oldest_pending,
    open_runs,
)
from app.models.journal_sql.claim import claim
from app.models.journal_sql.fenced import (
    STAGE_COLUMNS,
    Fenced,
    Written,
    flush,
    is_one_statement,
    settle,
    wake_parent,
)
from app.models.journal_sql.leases import (
    command,
    go_on,
    hand_over,
    open_ones,
    renew,
    set_breakpoints,
    sweep,
    take_over,
    take_to_end,
    take_to_pause,
)

__all__ = [
    "COUNTED_EACH",
    "COUNTED_PENDING",
    "STAGE_COLUMNS",
    "Fenced",
    "Version",
    "Written",
    "accept",
    "accept_anew",
    "accept_fork",
    "claim",
    "command",
    "find_version",
    "flush",
    "go_on",
    "hand_over",
    "is_one_statement",
    "oldest_pending",
    "open_child",
    "open_ones",
    "open_runs",
    "renew",
    "set_breakpoints",
    "settle",
    "sweep",
    "take_over",
    "take_to_end",
    "take_to_pause",
    "wake_parent",
]
