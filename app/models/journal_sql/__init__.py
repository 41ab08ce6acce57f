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
from app.models.journal_sql.rows import STAGE_COLUMNS
from app.models.journal_sql.test_runs import (
    accept_test_run,
    claim_test_run,
    due_test_runs,
    end_test_run,
    keep_test_run,
    leave_test_run,
    wake_test_run,
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
    "accept_test_run",
    "claim",
    "claim_test_run",
    "command",
    "due_test_runs",
    "end_test_run",
    "find_version",
    "flush",
    "go_on",
    "hand_over",
    "keep_test_run",
    "leave_test_run",
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
    "wake_test_run",
]
