"""Documents that look like real work, run by the real services in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.core.states import RunStatus, is_final
from app.infra import broker, egress
from app.models import Run
from app.services.pipelines.documents import create_pipeline
from app.services.runs import drive
from app.services.runs.start import start_run
from tests.pipelines import written

PATIENCE_SECONDS = 10.0


@pytest.fixture
def save(who) -> Callable[[str], None]:
    """Saves a document of this folder, once."""
    saved: set[str] = set()

    def save(name: str) -> None:
        if name not in saved:
            create_pipeline(who, written.document(name))
            saved.add(name)

    return save


@pytest.fixture
def run(who, settings) -> Iterator[Callable[..., str]]:
    """Runs a saved pipeline to its end; gives the run's id."""
    broker.connect(settings.broker_url)
    client = egress.connect(["127.0.0.1"])

    def run(name: str, input: dict[str, Any]) -> str:
        run_id: str = start_run(who, name, input).run["id"]
        _drive(run_id)
        return run_id

    yield run
    egress.connect([])
    client.idle.close()


def _drive(run_id: str) -> None:
    """Drives whatever is due, as a worker would, until this run has ended."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_final(RunStatus(Run.get_by_id(run_id).status)):
        assert time.monotonic() < give_up_at, "the run does not end"
        drive.advance_run()
        time.sleep(0.002)
