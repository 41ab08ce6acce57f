"""Recorded runs, and `fm ci` that holds them against a changed document; all is executed."""

from __future__ import annotations

import pytest

from app.models import StageRun
from tests.cli.documents import note, pipeline
from tests.conftest import wait_until
from tests.counting import counting

LINE = note("line", "Hello, {{ input.name }}!")
LOUD = note("loud", "{{ upper(upstream.line.result) }}")
GREET = pipeline("greet", LINE, LOUD, output_stage_id="loud")


@pytest.fixture
def world(api):
    """What stages that reach out find."""
    with counting() as server:
        yield server


@pytest.fixture
def record(worker):
    """Runs a saved pipeline to its end; gives the run's id."""

    def record(pipeline_name, status="completed", **input):
        run_id = worker.post("/run", {"pipeline": pipeline_name, "input": input})["run_id"]
        wait_until(lambda: worker.get(f"/runs/{run_id}")["status"] == status)
        return run_id

    return record


@pytest.fixture
def ci(cli, write):
    """Holds runs against a changed document."""

    def ci(document, *words, runs="last:50"):
        path = write(f"{document['name']}.pipeline.json", document)
        return cli("ci", "--runs", runs, "--pipeline", path, *words)

    return ci


@pytest.fixture
def ada(worker, record):
    """A run of `greet`, which is saved."""
    worker.post("/pipelines", GREET)
    return record("greet", name="Ada")


def call(world, name="call", **members):
    return {
        "id": name,
        "component_type": "http_request",
        "config": {"url": world.url},
        **members,
    }


def changed(document, stage_id, **members):
    """The document with other members of a stage."""
    stages = [{**s, **members} if s["id"] == stage_id else s for s in document["stages"]]
    return {**document, "stages": stages}


def spent(run_id, stage_id, dollars):
    """Says what a recorded stage cost."""
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "cost_usd": dollars}
    StageRun.update(usage=usage).where(
        StageRun.run == run_id, StageRun.stage_id == stage_id
    ).execute()
