"""Mocks answer in place of components, and nothing else reaches out in a test."""

from __future__ import annotations

import pytest

from app.core.errors import RunError
from app.engine.doubles import Doubles, Mock, can_be_mocked_by_type
from app.engine.instance import Completed, Failed
from tests.engine.coordinator.forks import called
from tests.engine.coordinator.parts import registry
from tests.engine.coordinator.world import START, World, plan_of, stage


def mocked(*stages, input=None, live=frozenset(), facts=None, **mocks):
    """A run of a test, as far as it came to be driven; and its outcome."""
    doubles = Doubles(mocks=mocks, live=live)
    world = World(plan_of(*stages), input, facts or {}, doubles=doubles)
    return world, world.run()


def broken(type="CONNECTIVITY", retryable=True):
    return Mock(error=RunError(type, "as told", retryable=retryable))


def test_mock_answers_in_place_of_the_component():
    world, outcome = mocked(stage("a", "work"), a=Mock({"value": 3}))

    assert outcome == Completed({"value": 3}, outcome.output_stage)
    assert called(world) == set()
    assert world.told("a") == ["stage_started", "stage_completed"]
    assert not world.row("a")["reused"]


def test_mock_of_a_stage_wins_over_that_of_its_type():
    world, _ = mocked(stage("a", "work"), stage("b", "work"), a=Mock(1), work=Mock(2))

    assert (world.output("a"), world.output("b")) == (1, 2)


def test_config_is_resolved_before_a_mock_answers():
    _, outcome = mocked(stage("a", "work", value="{{ input.x }}"), input={}, a=Mock(1))

    assert outcome.error.type == "EXPRESSION"


def test_stage_that_is_skipped_needs_no_mock():
    world, _ = mocked(stage("a", "work", when="false"))

    assert world.status("a") == "skipped"


def test_error_of_a_mock_is_that_of_the_stage():
    world, outcome = mocked(stage("a", "work"), a=broken("ROUTING", retryable=False))

    assert outcome == Failed(RunError("ROUTING", "as told", "a"))
    assert world.status("a") == "failed"


def test_every_attempt_fails_alike():
    world, outcome = mocked(
        stage("a", "work", retry={"max_attempts": 3, "initial_delay_ms": 10}), a=broken()
    )

    assert (world.row("a")["attempt"], outcome.error.type) == (3, "RETRY_EXHAUSTED")
    assert world.told("a").count("stage_started") == 3


def test_outputs_are_given_one_for_each_iteration_the_last_repeating():
    world, _ = mocked(
        stage("each", "foreach", items=[0, 0, 0], loop_stages=["w"]),
        stage("w", "work"),
        w=Mock(outputs=[{"n": 1}, {"n": 2}]),
    )

    assert [world.output("w", i) for i in range(3)] == [{"n": 1}, {"n": 2}, {"n": 2}]


def test_outputs_are_given_one_for_each_round_outside_of_loops():
    world, _ = mocked(
        stage("again", "retry", task=["w", "check"], initial_delay=0),
        stage("w", "work"),
        stage("check", after=("w",), error="{{ 'ROUTING' if upstream.w.n == 1 else null }}"),
        w=Mock(outputs=[{"n": 1}, {"n": 2}]),
    )

    assert [world.output("w", round=i) for i in range(2)] == [{"n": 1}, {"n": 2}]


def test_mocked_owner_opens_no_body():
    world, outcome = mocked(
        stage("each", "foreach", items=[1], loop_stages=["w"]),
        stage("w", "work"),
        each=Mock({"results": []}),
    )

    assert outcome.output == {"results": []}
    assert {key.stage_id for key in world.keys} == {"each"}


def test_types_of_owners_gates_and_return_are_not_mocked():
    barred = {c.type for c in registry() if not can_be_mocked_by_type(c)}

    assert barred == {
        "foreach", "retry", "trycatch", "timeout", "parallel", "subpipeline",
        "conditional", "router", "switch_router", "return",
    }  # fmt: skip


def test_output_that_no_such_gate_gives_fails_its_stage():
    _, outcome = mocked(
        stage("r", "return"), stage("a", after=("r",)), r=Mock({"should_return": True})
    )

    assert (outcome.error.type, outcome.error.stage_id) == ("VALIDATION", "r")


@pytest.mark.parametrize(
    "around",
    [
        [stage("w", "work", on_error="continue")],
        [stage("w", "work", retry={"max_attempts": 3, "retry_on": ["EXECUTION"]})],
        [
            stage("t", "trycatch", try_stages=["w"], catch_stages=["c"], error_scope="continue"),
            stage("w", "work"),
            stage("c"),
        ],
        [stage("w", "subpipeline", pipeline_id="p")],
    ],
    ids=["on_error", "retry", "trycatch", "subpipeline"],
)
def test_effect_without_a_mock_ends_the_run(around):
    world, outcome = mocked(*around, stage("end", after=(around[0]["id"],)))

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "w")
    assert outcome.error.details == {"reason": "not_mocked", "stage_id": "w"}
    assert called(world) == set()
    assert world.status("w") == "failed"
    assert "c" not in {key.stage_id for key in world.keys}


def test_live_stage_needs_no_mock():
    world, outcome = mocked(stage("w", "work", value=1), live=frozenset({"w"}))

    assert called(world) == {"w"}
    assert outcome.output == {"value": 1}


LIVELY = [
    stage("each", "foreach", items=[1, 2], loop_stages=["w", "gate", "x"], on_error="continue",
          retry={"max_attempts": 2, "initial_delay_ms": 10}),
    stage("w", "work"),
    stage("gate", "conditional", after=("w",), condition=True, true_branch_stages=["x"]),
    stage("x", "work", retry={"max_attempts": 2, "initial_delay_ms": 10}),
    stage("owner", "retry", task=["inside"], after=("each",), on_error="continue",
          retry={"max_attempts": 2, "initial_delay_ms": 10}),
    stage("inside", "work"),
    stage("slow", "work", ms=5000, after=("owner",)),
    stage("real", "work", ms=40),
    stage("bare", "work", after=("slow",)),
]  # fmt: skip


@pytest.mark.parametrize("timeout_ms", [None, 30, 2000])
def test_stopped_after_any_row_a_test_ends_as_it_would_have(timeout_ms):
    mocks = {"w": Mock({"value": 1}), "x": broken(), "owner": broken()}
    doubles = Doubles(mocks=mocks, live=frozenset({"slow", "real"}))
    facts = {} if timeout_ms is None else {"timeout_ms": timeout_ms}

    def new():
        return World(plan_of(*LIVELY, max_concurrency=3), None, facts, doubles=doubles)

    straight = new()
    outcome = straight.run()
    for k in range(len(straight.records)):
        world = new()
        assert world.drive(world.fresh(), stop_after=k) is None

        again = world.drive(world.rebuilt())

        assert again == outcome, f"after {k} records"
        assert world.ending() == straight.ending(), f"after {k} records"


def test_run_that_takes_too_long_fails_and_abandons_what_runs():
    world, outcome = mocked(
        stage("t", "trycatch", try_stages=["slow"], error_scope="continue"),
        stage("slow", "work", ms=9000),
        live=frozenset({"slow"}),
        facts={"timeout_ms": 700},
    )

    assert (outcome.error.type, outcome.error.stage_id) == ("TIMEOUT", None)
    assert world.now - START == 700
    assert (world.status("slow"), world.status("t")) == ("cancelled", "cancelled")


def test_limit_of_a_run_that_ends_in_time_changes_nothing():
    world, outcome = mocked(stage("a", value=1), facts={"timeout_ms": 700})

    assert outcome.output == {"value": 1}
    assert world.now == START
