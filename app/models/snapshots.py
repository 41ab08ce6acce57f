"""Snapshots of runs (contract 10): what each finished stage changed."""

from __future__ import annotations

import peewee

from app.models.base import JsonText, Record, UTCDateTime
from app.models.runs import Run


class Snapshot(Record):
    """The state behind one finished stage, as far as that stage changed it.

    A row lies by its run and `seq`, the one key that a worker pays for: `id` has no index and is
    looked for among those of its run.

    `seq` counts from 0, the start of the run, which has no `stage_run_id`. `variables` are the
    writes of the stage: a list of `[name, stays in its iteration, value]`, null for none.
    Everything else is read from the stage run.
    """

    id = peewee.TextField()
    created_at = UTCDateTime()
    run = peewee.ForeignKeyField(Run, on_delete="CASCADE", column_name="run_id", index=False)
    seq = peewee.IntegerField()
    stage_run_id = peewee.TextField(null=True)
    variables = JsonText(null=True)

    class Meta:
        table_name = "time_travel_snapshots"
        primary_key = peewee.CompositeKey("run", "seq")
        without_rowid = True
