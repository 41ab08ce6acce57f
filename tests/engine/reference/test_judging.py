"""The judge: whatever the engine did otherwise than said, it tells."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import wire
from app.core.errors import RunError
from app.core.states import StageStatus
from app.engine.instance import Completed, Failed
from tests.engine.coordinator.world import World, plan_of, stage
from tests.engine.reference.interpreter import Interpreter
from tests.engine.reference.judging import differences

STAGES = [
    stage("a", "work", value=1),
    stage("off", when="false"),
    stage("bad", "work", fails=9, on_error="continue"),
    stage("end", after=("a", "bad"), value="{{ upstream.a.value }}"),
]


def error(type: str, stage_id: str, **details: Any) -> str:
    return wire.dumps(RunError(type, "", stage_id, True, details).to_json())


@pytest.fixture
def case() -> Any:
    """A run, and what the reference says of it."""
    world = World(plan_of(*STAGES), {})
    outcome = world.run()
    reference = Interpreter({"name": "p", "stages": STAGES}, {})
    return world, outcome, reference.claims, reference.run()


def told(case: Any, outcome: Any = None) -> list[str]:
    world, real, claims, ending = case
    return differences(world, outcome or real, claims, ending)


def test_nothing_is_told_of_a_run_as_it_should_be(case):
    assert told(case) == []


@pytest.mark.parametrize(
    ("stage_id", "change"),
    [
        ("bad", {"error": error("TIMEOUT", "bad")}),
        ("bad", {"error": error("CONNECTIVITY", "a")}),
        ("bad", {"error": error("CONNECTIVITY", "bad", index=0)}),
        ("a", {"output_text": '{"value":2}'}),
        ("a", {"output_text": '{"value":1.0}'}),
        ("a", {"output_text": '{"value":1,"more":null}'}),
        ("a", {"status": StageStatus.CANCELLED}),
        ("end", {"status": StageStatus.RUNNING}),
        ("off", {"skip_reason": "branch"}),
        ("off", {"status": StageStatus.COMPLETED}),
    ],
)
def test_a_row_that_is_otherwise_is_told(case, stage_id, change):
    case[0].row(stage_id).update(change)

    assert [line for line in told(case) if stage_id in line]


def test_a_row_too_few_is_told(case):
    world = case[0]
    del world.keys[next(key for key in world.keys if key.stage_id == "end")]

    assert len(told(case)) == 1


def test_a_row_too_many_is_told(case):
    claims = case[2]
    del claims[next(key for key in claims if key.stage_id == "end")]

    assert len(told(case)) == 1


@pytest.mark.parametrize(
    "outcome",
    [Completed({"value": 2}), Completed(None), Failed(RunError("TIMEOUT", "", "bad", True))],
)
def test_another_outcome_is_told(case, outcome):
    assert len(told(case, outcome)) == 1


def test_a_stage_that_started_too_early_is_told(case):
    world = case[0]
    world.records.sort(key=lambda record: record.instance.key.stage_id != "end")

    assert len(told(case)) == 2
