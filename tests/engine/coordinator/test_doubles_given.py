"""Outputs that are given instead of executing a stage, and effects that stay in the house."""

from __future__ import annotations

import pytest

from app.engine.doubles import Doubles
from app.engine.instance import Failed
from tests.engine.coordinator.forks import called, executed, fork, ran
from tests.engine.coordinator.world import START, World, plan_of, stage


def run(*stages, input=None, **how):
    world = World(plan_of(*stages), input, doubles=Doubles(**how))
    return world, world.run()


def test_stage_whose_output_is_given_is_not_executed():
    world, outcome = run(
        stage("a", "work", value=1), stage("b", value="{{ upstream.a }}"), outputs={"a": [7]}
    )

    assert outcome.output == {"value": [7]}
    assert called(world) == set()
    assert world.told("a") == ["stage_completed"]
    assert (world.row("a")["reused"], world.row("a")["started_at"]) == (True, START)


def test_stage_that_is_skipped_gives_no_output():
    world, _ = run(stage("a", "work", when="false"), outputs={"a": 7})

    assert (world.status("a"), world.row("a")["output_text"]) == ("skipped", None)


def test_config_of_a_stage_whose_output_is_given_is_not_looked_at():
    world, _ = run(stage("a", value="{{ input.missing.x }}"), input={}, outputs={"a": 7})

    assert world.output("a") == 7


def test_owner_whose_output_is_given_opens_no_body():
    world, _ = run(
        stage("each", "foreach", items=[1], loop_stages=["w"]),
        stage("w", "work"),
        stage("end", value="{{ upstream.each.results }}"),
        outputs={"each": {"results": ["given"]}},
    )

    assert world.output("end") == {"value": ["given"]}
    assert {key.stage_id for key in world.keys} == {"each", "end"}


def test_output_is_given_in_every_iteration_and_the_rest_is_taken_over():
    plan = plan_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["x", "y"]),
        stage("x", "work", value="{{ item }}"),
        stage("y", "work", value="{{ item }}"),
    )
    world = fork(ran(plan), outputs={"y": {"value": "given"}})

    outcome = world.run()

    assert called(world) == set()
    assert executed(world) == {"each"}
    assert outcome.output["results"] == [{"value": "given"}] * 2


def test_given_outputs_of_gates_and_variables_take_effect():
    world, outcome = run(
        stage("if", "conditional", condition=True, true_branch_stages=["yes"],
              false_branch_stages=["no"]),
        stage("yes", value=1),
        stage("no", value=0),
        stage("set", "variable_set", name="x", value=1),
        stage("end", value="{{ vars.x }}", after=("yes", "no")),
        outputs={
            "if": {"branch_taken": "false", "condition_value": 0, "condition_result": False,
                   "data": None},
            "set": {"name": "x", "value": 9, "previous_value": None, "was_set": True},
        },
    )  # fmt: skip

    assert (world.status("yes"), world.status("no")) == ("skipped", "completed")
    assert outcome.output == {"value": 9}


@pytest.mark.parametrize("output", [None, [], {}, {"branch_taken": 1}])
def test_output_that_no_such_gate_gives_fails_the_stage(output):
    world, outcome = run(
        stage("if", "conditional", condition=True, true_branch_stages=["a"]),
        stage("a"),
        outputs={"if": output},
    )

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("VALIDATION", "if")
    assert not world.row("if")["reused"]


def test_output_that_is_too_large_fails_the_stage():
    world = World(
        plan_of(stage("a", retry={"max_attempts": 2, "retry_on": ["EXECUTION"]})),
        facts={"max_output_bytes": 10},
        doubles=Doubles(outputs={"a": "x" * 20}),
    )

    outcome = world.run()

    assert (outcome.error.type, world.row("a")["failures"]) == ("RETRY_EXHAUSTED", 2)
    assert not world.row("a")["reused"]


EFFECT = (stage("a", "work", value="{{ input.n }}"), stage("end", value="{{ upstream.a }}"))


def test_dry_run_gives_the_recorded_output_of_effectful_stages():
    straight = ran(plan_of(*EFFECT), {"n": 1})
    world = fork(straight, 0, input={"n": 2}, is_dry=True)

    outcome = world.run()

    assert called(world) == set()
    assert (world.status("a"), world.row("a")["reused"]) == ("completed", True)
    assert world.told("a") == ["stage_completed"]
    assert outcome.output == {"value": {"value": 1}}


def test_dry_run_skips_effectful_stages_that_were_not_recorded():
    world, outcome = run(*EFFECT, input={"n": 1}, is_dry=True)

    assert (world.status("a"), world.row("a")["skip_reason"]) == ("skipped", "dry_run")
    assert called(world) == set()


def test_dry_run_executes_what_is_live():
    world, _ = run(*EFFECT, input={"n": 1}, is_dry=True, live=frozenset({"a"}))

    assert called(world) == {"a"}


def test_dry_run_keeps_the_iterations_apart():
    plan = plan_of(
        stage("each", "foreach", items="{{ input.items }}", loop_stages=["w"]),
        stage("w", "work", value="{{ item }}"),
    )
    world = fork(ran(plan, {"items": [1, 2]}), 0, input={"items": [3, 4, 5]}, is_dry=True)

    world.run()

    assert (world.output("w", 0), world.output("w", 1)) == ({"value": 1}, {"value": 2})
    assert world.row("w", 2)["skip_reason"] == "dry_run"


def test_dry_run_shows_that_a_config_fails():
    world, outcome = run(*EFFECT, input={}, is_dry=True)

    assert (outcome.error.type, outcome.error.stage_id) == ("EXPRESSION", "a")


def test_dry_run_starts_no_child_that_it_would_not_wait_for():
    straight = stage("sub", "subpipeline", pipeline_id="p", async_execution=True)
    world, _ = run(straight, is_dry=True)

    assert world.row("sub")["skip_reason"] == "dry_run"


def test_dry_run_asks_for_the_child_that_it_waits_for():
    world = World(plan_of(stage("sub", "subpipeline", pipeline_id="p")), {})
    world.doubles = Doubles(is_dry=True)

    calls, _ = world.fresh().turn()

    assert [call.key.stage_id for call in calls] == ["sub"]


MIXED = [
    stage("if", "conditional", condition=True, true_branch_stages=["yes"]),
    stage("yes", "work"),
    stage("each", "foreach", items=[1, 2, 3], loop_stages=["x", "y", "z"]),
    stage("x", "work", value="{{ item }}"),
    stage("y", "work", value="{{ upstream.x.value }}"),
    stage("z", value="{{ [upstream.x, upstream.y] }}"),
    stage("again", "retry", task=["w", "v"], initial_delay=0.1, after=("each",)),
    stage("w", "work", fails_below_round=2),
    stage("v", "work", after=("w",)),
    stage("inner", "foreach", items=[1], loop_stages=["u"], after=("again",)),
    stage("u", "work"),
    stage("end", "work", value=["{{ upstream.inner }}", "{{ upstream.each.results }}"]),
]
WAYS = [
    {"outputs": {"y": {"value": 0}, "inner": {"results": 5}}, "reached": frozenset({"end"})},
    {"is_dry": True, "reached": frozenset({"w", "v"})},
    {"is_dry": True, "live": frozenset({"y"}), "reached": frozenset({"x", "y", "u"})},
]


@pytest.mark.parametrize("how", WAYS, ids=["given", "dry", "live"])
def test_stopped_after_any_row_a_what_if_ends_as_it_would_have(how):
    source = ran(plan_of(*MIXED))
    straight = fork(source, **how)
    outcome = straight.run()

    for k in range(len(straight.records)):
        world = fork(source, **how)
        assert world.drive(world.fresh(), stop_after=k) is None

        again = world.drive(world.rebuilt())

        assert again.output == outcome.output, f"after {k} records"
        assert world.ending() == straight.ending(), f"after {k} records"
        assert world.calls.keys() == straight.calls.keys(), f"after {k} records"
