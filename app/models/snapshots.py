"""Snapshots of runs (contract 10): what each finished stage changed."""

from __future__ import annotations

import peewee

from app.models.base import IdRecord, JsonText
from app.models.runs import Run


class Snapshot(IdRecord):
    """The state behind one finished stage, as far as that stage changed it.

    `seq` counts from 0, the start of the run, which has no `stage_run_id`. `variables` are the
    writes of the stage: a list of `[name, stays in its iteration, value]`, null for none.
    Everything else is read from the stage run.
    """

    id_prefix = "snp"

    run = peewee.ForeignKeyField(Run, on_delete="CASCADE", column_name="run_id", index=False)
    seq = peewee.IntegerField()
    stage_run_id = peewee.TextField(null=True)
    variables = JsonText(null=True)

    class Meta:
        table_name = "time_travel_snapshots"
        indexes = ((("run", "seq"), True),)
