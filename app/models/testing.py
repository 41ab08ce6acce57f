"""Runs of pipeline tests (contract 10)."""

from __future__ import annotations

import peewee

from app.models.base import JsonText, OrgRecord, UTCDateTime


class TestRun(OrgRecord):
    """One suite that was asked for. Its tests are runs whose `trigger_id` is this row's.

    `request` is what was asked for in the form in which it is carried out, `result` a
    TestSuiteResult once the status is final; `completed` and `total` count tests. A row whose
    `wake_at` has come is itself the intent to look after it; `epoch` proves who does.
    """

    __test__ = False  # pytest takes the name for one of its own
    id_prefix = "tst"

    status = peewee.TextField()
    pipeline_id = peewee.TextField(null=True)
    pipeline_version = peewee.TextField(null=True)
    request = JsonText()
    result = JsonText(null=True)
    completed = peewee.IntegerField(default=0)
    total = peewee.IntegerField()
    wake_at = UTCDateTime(null=True)
    lease_until = UTCDateTime(null=True)
    epoch = peewee.IntegerField(default=0)
    started_at = UTCDateTime(null=True)
    completed_at = UTCDateTime(null=True)

    class Meta:
        table_name = "test_runs"


TestRun.add_index(TestRun.index(TestRun.org, TestRun.id.desc(), name="test_runs_newest"))
TestRun.add_index(
    TestRun.index(
        TestRun.id, where=peewee.SQL("status IN ('pending', 'running')"), name="test_runs_open"
    )
)
