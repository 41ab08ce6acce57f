"""Runs, their stage runs and events (contract 10). Statuses are written in `journal_sql` alone."""

from __future__ import annotations

import peewee

from app.models.base import JsonText, Record, TenantRecord, UTCDateTime

PRIORITIES = ("high", "normal", "low")  #: `runs.priority` holds the place in this list


class Run(TenantRecord):
    """One execution of a pipeline version. A row that is pending, or whose `wake_at` has come, is
    itself the intent to run it. `epoch` proves who holds it, `event_seq` numbers its events."""

    id_prefix = "run"

    # The indexes below begin with it; a foreign key would lock the organisation at each start.
    org_id = peewee.TextField()
    pipeline_id = peewee.TextField()
    pipeline_version_id = peewee.TextField()
    pipeline_name = peewee.TextField()
    pipeline_version = peewee.TextField()
    status = peewee.TextField()
    input = JsonText()
    output = JsonText(null=True)
    output_stage_run_id = peewee.TextField(null=True)
    error = JsonText(null=True)
    variables = JsonText(null=True)
    priority = peewee.SmallIntegerField(default=1)
    trigger_type = peewee.TextField(default="api")
    trigger_id = peewee.TextField(null=True)
    parent_run_id = peewee.TextField(null=True)
    forked_from_run_id = peewee.TextField(null=True)
    forked_from_snapshot_id = peewee.TextField(null=True)
    created_by = peewee.TextField(null=True)
    auth_type = peewee.TextField(null=True)
    output_config = JsonText(null=True)
    metadata = JsonText(default=dict)
    control = peewee.TextField(null=True)
    control_seq = peewee.IntegerField(default=0)
    breakpoints = JsonText(default=list)
    paused_before = peewee.TextField(null=True)
    paused_iteration = peewee.TextField(null=True)
    paused_round = peewee.IntegerField(null=True)
    paused_reason = peewee.TextField(null=True)
    epoch = peewee.IntegerField(default=0)
    lease_until = UTCDateTime(null=True)
    wake_at = UTCDateTime(null=True)
    waiting_on = peewee.TextField(null=True)
    event_seq = peewee.IntegerField(default=0)
    recoveries = peewee.IntegerField(default=0)
    output_bytes = peewee.BigIntegerField(default=0)
    usage = JsonText(null=True)
    trace_id = peewee.TextField()
    cursor_snapshot_id = peewee.TextField(null=True)
    document = JsonText(null=True)
    started_at = UTCDateTime(null=True)
    completed_at = UTCDateTime(null=True)
    duration_ms = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "runs"


def _run_index(name: str, *columns: peewee.Field, where: peewee.Expression | None = None) -> None:
    Run.add_index(Run.index(*columns, where=where, name=name))


_run_index("runs_newest", Run.org_id, Run.id.desc())
_run_index("runs_by_status", Run.org_id, Run.status, Run.id)
_run_index("runs_by_pipeline", Run.org_id, Run.pipeline_id, Run.id)
_run_index("runs_by_parent", Run.parent_run_id, Run.id, where=Run.parent_run_id.is_null(False))
# A page of the list is read from slices of these, one for each trigger and status (`listing`).
_KIND = (Run.trigger_type, Run.status, Run.id)
_run_index("runs_by_trigger", Run.org_id, *_KIND)
_run_index("runs_by_pipeline_trigger", Run.org_id, Run.pipeline_id, *_KIND)
_run_index("runs_by_version", Run.org_id, Run.pipeline_version_id, *_KIND)
# No index and no predicate names lease_until or event_seq: heartbeats and flushes stay heap-only.
_run_index(
    "runs_pending",
    Run.org_id,
    Run.priority,
    Run.id,
    where=peewee.SQL("status = 'pending'"),
)
_run_index(
    "runs_held",
    Run.org_id,
    where=peewee.SQL("status = 'running' AND wake_at IS NULL AND waiting_on IS NULL"),
)
_run_index("runs_of_tests", Run.trigger_id, Run.id, where=peewee.SQL("trigger_type = 'test'"))
_run_index(
    "runs_by_fork",
    Run.forked_from_run_id,
    Run.id,
    where=Run.forked_from_run_id.is_null(False),
)
_run_index("runs_due", Run.wake_at, where=peewee.SQL("wake_at IS NOT NULL"))


class StageRun(TenantRecord):
    """One stage, iteration and round of a run: the only place of a stage's output.

    `iteration_path` is the indexes from the outermost loop joined by `.`, empty outside.
    `failures` counts failed attempts; `attempt` also counts recoveries, which are free.
    """

    id_prefix = "stg"

    # Reached through its run, so neither indexed nor referenced: the hot path writes many.
    org_id = peewee.TextField()
    run = peewee.ForeignKeyField(Run, on_delete="CASCADE", column_name="run_id", index=False)
    stage_id = peewee.TextField()
    stage_name = peewee.TextField(null=True)
    component_type = peewee.TextField()
    status = peewee.TextField()
    attempt = peewee.IntegerField()
    failures = peewee.IntegerField(default=0)
    iteration_path = peewee.TextField(default="")
    round = peewee.IntegerField(default=0)
    skip_reason = peewee.TextField(null=True)
    input = JsonText(null=True)
    output = JsonText(null=True)
    error = JsonText(null=True)
    usage = JsonText(null=True)
    logs = JsonText(null=True)
    reused = peewee.BooleanField(default=False)
    wake_at = UTCDateTime(null=True)
    started_at = UTCDateTime(null=True)
    completed_at = UTCDateTime(null=True)
    duration_ms = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "stages"
        indexes = ((("run", "stage_id", "iteration_path", "round"), True),)


class RunEvent(Record):
    """One event of a run. `data` holds what is not in the stage row it refers to."""

    run = peewee.ForeignKeyField(Run, on_delete="CASCADE", column_name="run_id", index=False)
    seq = peewee.IntegerField()
    type = peewee.TextField()
    stage_run_id = peewee.TextField(null=True)
    data = JsonText()
    at = UTCDateTime()

    class Meta:
        table_name = "run_events"
        primary_key = peewee.CompositeKey("run", "seq")


class IdempotencyKey(Record):
    """A caller's key and the run that it started, kept for 24 hours.

    `status_code`, `headers` and `body` hold of the first answer what cannot be told from that run
    any more.
    """

    org_id = peewee.TextField()
    route = peewee.TextField()
    key = peewee.TextField()
    body_digest = peewee.TextField()
    run_id = peewee.TextField(null=True)
    status_code = peewee.IntegerField(null=True)
    headers = JsonText(null=True)
    body = JsonText(null=True)
    created_at = UTCDateTime()
    expires_at = UTCDateTime(index=True)

    class Meta:
        table_name = "idempotency_keys"
        primary_key = peewee.CompositeKey("org_id", "route", "key")
