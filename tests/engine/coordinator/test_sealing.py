"""What a run stores stays within what JSON writers can write, whatever authors build."""

from __future__ import annotations

import pytest

from app.engine.coordinator.sealing import MAX_DEPTH
from tests.engine.coordinator.world import World, plan_of, stage


def run(*stages):
    world = World(plan_of(*stages))
    return world, world.run()


def deep(levels):
    """Stages that build a value of so many nested arrays; the last of them is called `deep`."""
    stages, before = [], "1"
    while levels:
        step = min(levels, 40)
        text = "[" * step + before + "]" * step
        name = "deep" if step == levels else f"d{len(stages)}"
        stages.append(stage(name, value=f"{{{{ {text} }}}}"))
        before, levels = f"upstream.{name}.value", levels - step
    return stages


def test_an_output_nested_as_deep_as_it_may_be_is_stored():
    world, _ = run(*deep(MAX_DEPTH - 1))

    assert world.status("deep") == "completed"


def test_an_output_nested_deeper_fails_the_stage():
    _, outcome = run(*deep(MAX_DEPTH))

    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "deep")
    assert str(MAX_DEPTH) in outcome.error.message


@pytest.mark.parametrize(
    "taker",
    [
        stage("taker", "logger", message="m", data=[[["{{ upstream.deep.value }}"]]]),
        stage("taker", "foreach", items=[[["{{ upstream.deep.value }}"]]], loop_stages=[]),
        stage("taker", "work", value=[[["{{ upstream.deep.value }}"]]]),
    ],
    ids=["logger", "owner", "call"],
)
def test_inputs_nested_deeper_fail_the_stage_before_it_runs(taker):
    world, outcome = run(*deep(MAX_DEPTH - 1), taker)

    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "taker")
    assert not world.calls
    assert not world.row("taker")["logs"]


def test_several_deep_outputs_of_a_run_are_one_that_can_be_written():
    _, outcome = run(*deep(MAX_DEPTH - 1), stage("other"))

    assert set(outcome.output) == {"deep", "other"}


def test_the_causes_of_nested_retries_are_told_to_a_bound_and_end_with_the_first():
    owners = [stage(f"r{i}", "retry", task=f"r{i + 1}", max_retries=0) for i in range(300)]
    _, outcome = run(*owners, stage("r300", error="EXECUTION"))

    error, causes = outcome.error.to_json(), []
    while error := error["details"].get("cause"):
        causes.append(error)
    assert outcome.error.type == "RETRY_EXHAUSTED"
    assert len(causes) <= 8
    assert (causes[-1]["type"], causes[-1]["stage_id"]) == ("EXECUTION", "r300")
    assert len(outcome.error.message) < 100
