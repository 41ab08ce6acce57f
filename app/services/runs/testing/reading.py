"""Test runs as callers see them (contract 05, Tests), read through their organisation."""

from __future__ import annotations

from typing import Any

from app.core import clock
from app.core.errors import IllegalMove, NotFound
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.wire import JSON
from app.models import TestRun

OPEN = ("pending", "running")


def get_test_status(who: Principal, test_id: str) -> dict[str, JSON]:
    """Where a test run stands. Raises NotFound."""
    row = _found(who, test_id, TestRun.status, TestRun.completed, TestRun.total)
    return {
        "test_id": test_id,
        "status": row.status,
        "progress": {"completed": row.completed, "total": row.total},
    }


def get_test_results(who: Principal, test_id: str) -> dict[str, JSON]:
    """The TestSuiteResult. Raises NotFound; IllegalMove while the test run is not final."""
    row = _found(
        who,
        test_id,
        TestRun.status,
        TestRun.pipeline_id,
        TestRun.pipeline_version,
        TestRun.started_at,
        TestRun.completed_at,
        TestRun.result,
    )
    if row.status in OPEN:
        raise IllegalMove(f"The test run is {row.status}: it has no results before it has ended.")
    took = clock.to_ms(row.completed_at) - clock.to_ms(row.started_at)
    return {
        "test_id": test_id,
        "name": row.result["name"],
        "status": row.status,
        "pipeline_id": row.pipeline_id,
        "pipeline_version": row.pipeline_version,
        "started_at": clock.text(row.started_at),
        "completed_at": clock.text(row.completed_at),
        "duration_ms": took,
        **row.result,
    }


def _found(who: Principal, test_id: str, *columns: Any) -> Any:
    query = TestRun.of(who.org_id, *columns).where(TestRun.id == test_id)
    row = query.namedtuples().first() if is_id(test_id, "tst") else None
    if row is None:
        raise NotFound
    return row
