"""Tests out of a recorded run: what it was given and what the world answered it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core import wire
from app.core.errors import NotFound, ValidationFailed
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.states import RunStatus, StageStatus
from app.core.wire import JSON
from app.engine.doubles import needs_mock, place_of
from app.engine.instance import Key
from app.engine.planner import ROOT, Plan
from app.models import Run, StageRun
from app.models.base import raw
from app.models.pipelines import Pipeline
from app.services.runs.testing.evidence import output_text
from app.services.runs.testing.suite import Case, Subject, mock_of
from app.services.runs.variants import Variant, plan_of_run, read_variant, variant_document

#: Of all outputs that are taken for mocks: each test of a suite is kept with its own.
MOST_BYTES = 32 * 2**20

Mocks = dict[str, dict[str, JSON]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run of the organisation as tests see it. `given` are outputs that it did not come to by
    itself: those of mocks, when it was a test, or of what a what-if put in."""

    run_id: str
    status: RunStatus
    subject: Subject
    plan: Plan
    input: dict[str, JSON]
    given: Mocks

    def mocks(self) -> Mocks:
        """A mock for each effectful or model stage that ended, and for what was given, by id."""
        asked = [name for name, stage in self.plan.stages.items() if needs_mock(stage.component)]
        return {**self.given, **_mocks(self.run_id, self.plan, asked)}

    def case(self) -> Case:
        """The test that a run of the pipeline gives the same output. Raises ValidationFailed when
        the run has none."""
        if self.status is not RunStatus.COMPLETED:
            sentence = f"A {self.status} run has no output that a test could ask for."
            raise ValidationFailed({"/from_run": [sentence]})
        text = output_text(self.run_id)
        value = None if text is None else wire.read(text)
        whole = {"path": "output", "type": "equals", "value": value}
        return Case(self.run_id, self.input, self.mocks(), assertions=[whole])


def find_recorded(who: Principal, run_id: str) -> Recorded:
    """Raises NotFound."""
    columns = (
        Run.status,
        Run.pipeline_id,
        Run.pipeline_version_id,
        Run.pipeline_name,
        Run.pipeline_version,
        raw(Run.document),
        Run.input,
        Run.variables,
    )
    found = Run.of(who.org_id, *columns).where(Run.id == run_id).namedtuples()
    row = found.first() if is_id(run_id, "run") else None
    if row is None:
        raise NotFound
    plan = plan_of_run(row.pipeline_version_id, row.document)
    given = _given(plan, read_variant(row.document))
    return Recorded(run_id, RunStatus(row.status), _subject(who, row), plan, row.input, given)


def _given(plan: Plan, variant: Variant) -> Mocks:
    mocks: Mocks = {
        stage_id: mock
        for stage_id, planned in plan.stages.items()
        if (mock := mock_of(planned, variant.mocks or {})) is not None
    }
    return mocks | {stage_id: {"output": output} for stage_id, output in variant.outputs.items()}


def _subject(who: Principal, row: Any) -> Subject:
    """What the run executed; when its pipeline is deleted, the document alone."""
    held = read_variant(row.document)
    variant = Variant(document=held.document, overrides=held.overrides)
    ids = (row.pipeline_id, row.pipeline_version_id)
    if not Pipeline.live(who.org_id).where(Pipeline.id == row.pipeline_id).exists():
        document = variant_document(row.pipeline_version_id, variant)
        variant, ids = Variant(document=document), ("", "")
    named = (row.pipeline_name, row.pipeline_version)
    text = None if variant == Variant() else variant.text()
    return Subject(*ids, *named, text, row.variables or {})


def _mocks(run_id: str, plan: Plan, stage_ids: list[str]) -> Mocks:
    columns = (
        StageRun.stage_id,
        StageRun.iteration_path,
        StageRun.round,
        StageRun.status,
        raw(StageRun.output),
        StageRun.error,
    )
    ended = StageRun.status.in_([StageStatus.COMPLETED.value, StageStatus.FAILED.value])
    query: Any = StageRun.select(*columns).where(
        StageRun.run == run_id, StageRun.stage_id.in_(stage_ids), ended
    )
    size, by_stage = 0, dict[str, list[Any]]()
    for row in query.namedtuples():
        size += len(row.output or "")
        if size > MOST_BYTES:
            raise too_large()
        by_stage.setdefault(row.stage_id, []).append(row)
    return {
        stage_id: _mock(rows, plan.stages[stage_id].body == ROOT)
        for stage_id, rows in by_stage.items()
    }


def too_large() -> ValidationFailed:
    """The refusal of a run whose outputs are too many to be kept with tests."""
    sentence = f"What its stages gave is more than the {MOST_BYTES} bytes that tests may keep."
    return ValidationFailed({"/from_run": [sentence]})


def _mock(rows: list[Any], is_outside: bool) -> dict[str, JSON]:
    """What answers as these stage runs of one stage did; elsewhere as the last of them."""
    answers = {place_of(_key(row)): _answer(row) for row in rows}
    completed = [row for row in rows if row.status == StageStatus.COMPLETED]
    last = _answer(max(completed or rows, key=_key))
    return last if is_outside else {**last, "places": answers}


def _key(row: Any) -> Key:
    path = tuple(int(index) for index in row.iteration_path.split(".") if index)
    return Key(row.stage_id, path, row.round)


def _answer(row: Any) -> dict[str, JSON]:
    if row.status == StageStatus.COMPLETED:
        return {"output": wire.read(row.output)}
    return {"error": {name: row.error[name] for name in ("type", "message", "retryable")}}
