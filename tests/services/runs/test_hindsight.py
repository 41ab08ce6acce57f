"""Random documents, really run: each state that is opened later is the one that the worker had."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given

from app.components import built_in
from app.core import wire
from app.engine.validation import validate_document
from app.models import Run, StageRun
from app.services.runs import drive, restore, timetravel
from tests.engine.coordinator.parts import Give, Work
from tests.engine.coordinator.watched import Watched
from tests.engine.reference.profile import THOROUGH, examples
from tests.engine.reference.writing.documents import documents
from tests.engine.reference.writing.themes import INPUT, THEMES
from tests.services.runs.test_snapshots import captured

DELAYS = ("initial_delay_ms", "initial_delay", "retry_delay_ms")


class Worked(Work):
    """Answers at once, in the pool."""

    def run(self, context, inputs):
        return self.answer(inputs, context.attempt - 1, context.round)


def at_once(value: Any) -> Any:
    """The document without delays."""
    if isinstance(value, dict):
        return {name: 0 if name in DELAYS else at_once(item) for name, item in value.items()}
    return [at_once(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def worker(monkeypatch):
    """Drives one run; gives the coordinator that did."""
    for component in (Worked(), Give()):
        monkeypatch.setitem(built_in()._components, component.type, component)
    made: list[Watched] = []

    def watched(*facts, **doubles):
        made.append(Watched(*facts, **doubles))
        return made[-1]

    monkeypatch.setattr(restore, "Coordinator", watched)

    def worker() -> Watched:
        drive.advance_run()
        (coordinator,) = made
        made.clear()
        return coordinator

    return worker


@pytest.mark.timeout(7200 if THOROUGH else 60)
@examples(40)
@given(document=documents(THEMES["everything"]) | documents(THEMES["variables"]))
def test_state_is_what_the_worker_had(document, who, deploy, start, worker):
    document = at_once(document)
    stages, rest = document["stages"], {**document}
    assume(not validate_document(document, built_in()))
    for name in ("name", "stages"):
        del rest[name]
    run_id = start(deploy(*stages, **rest), INPUT)

    seen = worker()

    assert Run.get_by_id(run_id).status in ("completed", "failed")
    outputs = {row.id: row.output for row in StageRun.select().where(StageRun.run == run_id)}
    for snapshot in captured(run_id)[1:]:
        state = wire.read(wire.dumps(timetravel.get_snapshot(who, run_id, snapshot.id)))
        openings, variables = seen.seen[snapshot.stage_run_id]
        finals = [(id, one) for opening in openings[::-1] for id, one in opening.items()]
        expected = {id: outputs[one] for id, one in finals if outputs[one] is not None}
        assert state["accumulated_outputs"] == expected
        assert state["variables"] == variables
        if state["status"] == "completed":
            assert state["stage_input"] == seen.inputs[key_of(snapshot)]


def key_of(snapshot) -> tuple:
    row = StageRun.get_by_id(snapshot.stage_run_id)
    path = tuple(map(int, row.iteration_path.split("."))) if row.iteration_path else ()
    return (row.stage_id, path, row.round)
