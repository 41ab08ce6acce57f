"""What the fuzz tests share: the API over a real database, with things in it to be asked for; and
runs that are commanded at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import ChecksConfig, PositiveDataAcceptanceConfig, SimpleCheckConfig

import config
from app.api import build_app
from app.infra import broker, egress
from app.infra.database import transaction
from app.models import ApiKey, AuditEntry, IdempotencyKey, Pipeline, Run, Snapshot, TestRun
from app.services.runs import drive
from app.services.runs.testing.advancing import advance_test_run
from tests.api.conftest import GOOD, new_key
from tests.services.runs.conftest import bells, deploy, start

__all__ = ["bells", "deploy", "new_key", "start"]

# Valid to the schema is not yet sensible: a cursor must be of this list, a pipeline must exist.
_CHECKS = ChecksConfig(
    positive_data_acceptance=PositiveDataAcceptanceConfig(expected_statuses=["2xx", "4xx"]),
    # A key that is not one is refused by tests/test_access.py, which knows what each route needs.
    ignored_auth=SimpleCheckConfig(enabled=False),
)


@pytest.fixture
def app(settings) -> Flask:
    """The API in mode required; a synchronous run waits for no time worth mentioning."""
    broker.connect(settings.broker_url)
    egress.connect(())
    return build_app("required", config.use(replace(settings, sync_wait_seconds=0)))


@pytest.fixture
def key(app, new_key) -> str:
    """An administrator's key."""
    return new_key()


@pytest.fixture
def begin(app, key) -> Callable[[], dict[str, list[str]]]:
    """Empties the house and puts in one pipeline, three runs, one of them over and one paused,
    two what-ifs and two test runs.

    Gives ids and names that exist, by the name of the parameter that takes them.
    """
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = key
    first = ApiKey.get()

    def begin() -> dict[str, list[str]]:
        with transaction():
            for table in (AuditEntry, IdempotencyKey, TestRun, Run, Pipeline):
                table.delete().execute()
            ApiKey.delete().where(ApiKey.id != first.id).execute()
        pipeline = client.post("/api/v1/pipelines", json=GOOD).json
        asked = [{"pipeline_id": pipeline["id"], "input": {"n": n}} for n in range(3)]
        runs = [client.post("/api/v1/runs", json=body).json for body in asked]
        drive.advance_run()  # one of them is over
        client.post(f"/api/v1/runs/{runs[-1]['id']}/pause")
        snapshots = [snapshot.id for snapshot in Snapshot.select().order_by(Snapshot.seq)]
        asked = {"snapshot_id": snapshots[0], "changes": {"input": {"n": 7}}}
        path = f"/api/v1/time-travel/{runs[0]['id']}/what-if"
        what_ifs = [client.post(path, json=asked).json["what_if_run_id"] for _ in range(2)]
        suite = {"name": "s", "tests": [{"name": "t", "skip": True}]}
        tests = [
            client.post("/api/v1/tests/run", json={"pipeline_id": "greet", "suite": suite}).json
            for _ in range(2)
        ]
        advance_test_run()  # one of them is over
        return {
            "pipeline_id": [pipeline["id"], pipeline["name"], f"{pipeline['name']}@1.0.0"],
            "pipeline": [pipeline["name"], pipeline["id"]],
            "version": ["1.0.0"],
            "run_id": [run["id"] for run in runs],
            "from_run": [run["id"] for run in runs],
            "test_id": [test["test_id"] for test in tests],
            "what_if_run_id": what_ifs,
            "stage_id": [stage["id"] for stage in GOOD["stages"]],
            "component_type": ["foreach", "logger"],
            **dict.fromkeys(("snapshot_id", "from", "to", "from_snapshot_id"), snapshots),
        }

    return begin


@pytest.fixture
def schema(app, key):
    """The API document as schemathesis reads it, with an administrator's key in each request."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    schema.config.headers = {"X-API-Key": key}
    schema.config.generation.update(with_security_parameters=False)
    schema.config.checks = _CHECKS
    return schema
