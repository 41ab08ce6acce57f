"""Random documents, really run, forked and patched: a replay ends as its source; a what-if, and a
patched run, as a run from scratch with the change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from app.components import built_in
from app.core.errors import ValidationFailed
from app.engine.validation import validate_document
from app.models import Run, Snapshot, StageRun
from app.services.runs import control, drive
from app.services.runs.patching import Patch, patch_run
from app.services.runs.replay import start_replay
from app.services.runs.what_if import start_what_if
from tests.engine.coordinator.parts import Give, Work
from tests.engine.reference.profile import THOROUGH, examples
from tests.engine.reference.test_random_documents import judged
from tests.engine.reference.writing.changes import changes
from tests.engine.reference.writing.documents import documents
from tests.engine.reference.writing.themes import INPUT, THEMES
from tests.services.runs.test_crash_points import steady

DELAYS = ("initial_delay_ms", "initial_delay", "retry_delay_ms")
patient = pytest.mark.timeout(7200 if THOROUGH else 120)


class Worked(Work):
    """Answers at once, in the pool."""

    def run(self, context, inputs):
        return self.answer(inputs, context.attempt - 1, context.round)


def at_once(value: Any) -> Any:
    """The document without delays."""
    if isinstance(value, dict):
        return {name: 0 if name in DELAYS else at_once(item) for name, item in value.items()}
    return [at_once(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(autouse=True)
def components(monkeypatch):
    """Those of random documents."""
    for component in (Worked(), Give()):
        monkeypatch.setitem(built_in()._components, component.type, component)


@pytest.fixture
def save(deploy):
    """Saves a random document that the reference can judge; gives its name."""

    def save(document: dict) -> str:
        judged(document)
        document = at_once(document)
        assume(not validate_document(document, built_in()))
        rest = {name: value for name, value in document.items() if name not in ("name", "stages")}
        return deploy(*document["stages"], **rest)

    return save


def ended(run_id: str) -> Run:
    """The run, driven to its end."""
    drive.advance_run()
    run = Run.get_by_id(run_id)
    assert run.status in ("completed", "failed")
    return run


def output_of(run: Run) -> Any:
    """What it gave, without the times that it took."""
    if run.output_stage_run_id is None:
        return steady(run.output)
    return steady(StageRun.get_by_id(run.output_stage_run_id).output)


def snapshot_at(run: Run, place: int) -> str:
    """One of the run's snapshots."""
    ids = [one.id for one in Snapshot.select().where(Snapshot.run == run.id).order_by(Snapshot.seq)]
    return ids[place % len(ids)]


def keys(run_id: str, *where: Any) -> set[tuple]:
    rows = StageRun.select().where(StageRun.run == run_id, *where)
    return {(row.stage_id, row.iteration_path, row.round) for row in rows}


@patient
@examples(25)
@given(
    document=documents(THEMES["everything"]) | documents(THEMES["variables"]),
    place=st.integers(0, 60),
)
def test_replay_ends_as_its_source(document, place, who, save, start):
    source = ended(start(save(document), INPUT))

    fork = ended(start_replay(who, source.id, snapshot_at(source, place)).run["id"])

    assert (fork.status, output_of(fork)) == (source.status, output_of(source))
    completed = StageRun.status == "completed"
    if source.status == "completed":
        assert keys(fork.id, completed) == keys(source.id, completed)


@patient
@examples(25)
@given(
    data=st.data(),
    document=documents(THEMES["everything"]) | documents(THEMES["variables"]),
    place=st.integers(0, 60),
)
def test_what_if_ends_as_a_run_with_the_change(data, document, place, who, save, start):
    made = data.draw(changes(document))
    assume(not (made.outputs or made.vars))  # no run from scratch could have these
    source = ended(start(save(document), INPUT))
    changed = made.new_document(document) if made.configs else document
    asked = {"input": made.input, "stage_config": at_once(made.configs)}

    fork = start_what_if(who, source.id, snapshot_at(source, place), asked, dry_run=False)
    there = ended(fork.run["id"])
    scratch = ended(start(save(changed), made.new_input()))

    assert (there.status, output_of(there)) == (scratch.status, output_of(scratch))


@patient
@examples(12)
@given(
    data=st.data(),
    document=documents(THEMES["everything"]) | documents(THEMES["variables"]),
    steps=st.integers(0, 12),
)
def test_patched_run_ends_as_a_run_with_the_change(data, document, steps, who, save, start):
    made = data.draw(changes(document))
    assume(made.configs)
    run_id = start(save(document), INPUT, stop_on_entry=True)
    drive.advance_run()
    for _ in range(steps):
        if control.run_control(who, run_id)["status"] == "paused":
            control.step(who, run_id)
            drive.advance_run()
    assume(control.run_control(who, run_id)["status"] == "paused")

    try:
        patch_run(who, run_id, Patch(at_once(made.configs)))
    except ValidationFailed:
        event("refused: it had begun")
        scratch = document
    else:
        event("patched")
        scratch = made.new_document(document)
    control.resume(who, run_id)
    # Not the same stages completed: beside one that fails, others start or not.
    there, fresh = ended(run_id), ended(start(save(scratch), INPUT))

    assert (there.status, output_of(there)) == (fresh.status, output_of(fresh))
