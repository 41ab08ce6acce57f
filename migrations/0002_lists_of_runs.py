"""Indexes with which a page of runs costs the same however many runs there are."""

from __future__ import annotations

from typing import Any

# Every filter of the list is a column before `id`: what a page shows lies side by side, whatever
# lies between the runs of one kind. A page without some filter merges one slice of each value.
UP = """
CREATE INDEX runs_by_trigger ON runs (org_id, trigger_type, status, id);
CREATE INDEX runs_by_pipeline_trigger ON runs (org_id, pipeline_id, trigger_type, status, id);
CREATE INDEX runs_by_version ON runs (org_id, pipeline_version_id, trigger_type, status, id);
DROP INDEX runs_by_parent;
CREATE INDEX runs_by_parent ON runs (parent_run_id, id) WHERE (parent_run_id IS NOT NULL)
"""

DOWN = """
DROP INDEX runs_by_parent;
CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE (parent_run_id IS NOT NULL);
DROP INDEX runs_by_version;
DROP INDEX runs_by_pipeline_trigger;
DROP INDEX runs_by_trigger
"""


def up(migrator: Any, db: Any) -> None:
    """Adds them."""
    for statement in UP.split(";"):
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Takes them back."""
    for statement in DOWN.split(";"):
        db.execute_sql(statement)
