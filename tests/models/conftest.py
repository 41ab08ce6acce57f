"""Runs put straight into the table."""

from __future__ import annotations

import pytest

from app.core import clock
from app.core.ids import new_id
from app.infra.database import statement
from app.models import journal_sql


def run_row(org_id: str, **changes):
    """The columns that ACCEPT takes."""
    return {
        "id": new_id("run"),
        "created_at": clock.text(clock.now()),
        "org_id": org_id,
        "pipeline_id": new_id("pl"),
        "pipeline_version_id": new_id("plv"),
        "pipeline_name": "p",
        "pipeline_version": "1.0.0",
        "status": "pending",
        "input": "{}",
        "variables": None,
        "priority": 1,
        "trigger_type": "api",
        "trigger_id": None,
        "parent_run_id": None,
        "forked_from_run_id": None,
        "forked_from_snapshot_id": None,
        "created_by": None,
        "auth_type": "local",
        "metadata": "{}",
        "breakpoints": "[]",
        "control": None,
        "document": None,
        "trace_id": "0" * 32,
        **changes,
    }


@pytest.fixture
def accept(settings):
    """Accepts a run and gives its id."""

    def accept(org_id="org-a", **changes) -> str:
        row = run_row(org_id, **changes)
        with statement():
            assert journal_sql.accept(row)
        return row["id"]

    return accept


@pytest.fixture
def claim(settings):
    """Claims the next run; `due_first` and the lease are chosen by the test."""

    def claim(due_first=False, lease_seconds=10):
        with statement():
            return journal_sql.claim(due_first=due_first, lease_seconds=lease_seconds)

    return claim
