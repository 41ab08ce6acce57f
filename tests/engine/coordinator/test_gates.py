"""Gates: what they keep from running, what is skipped behind that, and what runs all the same."""

from __future__ import annotations

import pytest

from app.engine.instance import Completed, Failed
from tests.engine.coordinator.gating import gate, reasons, run
from tests.engine.coordinator.world import stage


def test_the_other_branch_is_skipped_with_reason_branch_and_told_once():
    world, outcome = run(gate(yes=["a"], no=["b"]), stage("a", value=1), stage("b"))

    assert reasons(world, "a", "b") == [None, "branch"]
    assert world.told("b") == ["stage_skipped"]
    assert outcome.output == {"value": 1}


def test_targets_wait_for_their_gate_wherever_they_stand():
    world, _ = run(
        stage("a", value=1),
        stage("w", "work", ms=40),
        gate(yes=["a"], after=("w",)),
    )

    assert world.row("a")["started_at"] == world.row("gate")["completed_at"]


def test_a_chain_behind_an_untaken_branch_is_skipped():
    world, outcome = run(
        gate(yes=[], no=["a"]), stage("a"), stage("b", after=("a",)), stage("c", after=("b",))
    )

    assert reasons(world, "a", "b", "c") == ["branch", "upstream_skipped", "upstream_skipped"]
    assert outcome == Completed(None)


def test_a_join_with_one_live_dependency_runs_and_sees_null_for_the_other():
    world, _ = run(
        gate(yes=["a"], no=["b"]),
        stage("a", value=1),
        stage("b", value=2),
        stage("join", value=["{{ upstream.a.value }}", "{{ upstream.b }}"]),
    )

    assert world.output("join") == {"value": [1, None]}


def test_a_join_of_untaken_branches_alone_is_skipped():
    world, _ = run(
        gate("g1", yes=["x"], no=["a"]), gate("g2", yes=[], no=["b"]),
        stage("x"), stage("a"), stage("b"), stage("join", after=("a", "b")),
    )  # fmt: skip

    assert reasons(world, "join") == ["upstream_skipped"]


def test_a_join_of_a_gate_and_an_untaken_branch_runs_for_the_gate_is_live():
    world, _ = run(gate(no=["a"]), stage("a"), stage("join", after=("gate", "a"), value="ran"))

    assert world.output("join") == {"value": "ran"}


def test_a_stage_in_both_branches_runs_either_way():
    for condition in (True, False):
        world, _ = run(
            gate(condition=condition, yes=["a", "both"], no=["b", "both"]),
            stage("a"), stage("b"), stage("both", value=1),
        )  # fmt: skip

        assert world.status("both") == "completed"


def test_a_target_whose_own_dependencies_were_all_skipped_is_skipped_though_chosen():
    world, _ = run(gate(yes=["a"]), stage("off", when="false"), stage("a", after=("off",)))

    assert reasons(world, "a") == ["upstream_skipped"]


def test_a_chosen_target_with_a_falsy_when_is_skipped_by_that():
    world, _ = run(gate(yes=["a"]), stage("a", when="input.go"), input={"go": False})

    assert reasons(world, "a") == ["when"]


def test_an_untaken_target_is_not_asked_for_its_when():
    world, outcome = run(gate(no=["a"]), stage("a", when="input.nope.deeper"), input={})

    assert reasons(world, "a") == ["branch"]
    assert isinstance(outcome, Completed)


def test_an_untaken_owner_is_skipped_and_its_body_never_appears():
    world, _ = run(
        gate(no=["each"]), stage("each", "foreach", items=[1], loop_stages=["x"]), stage("x")
    )

    assert reasons(world, "each") == ["branch"]
    assert not any(key.stage_id == "x" for key in world.keys)


# Two gates of one stage.


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (True, True, None),
        (True, False, "branch"),
        (False, True, "branch"),
        (False, False, "branch"),
    ],
)
def test_a_stage_named_by_two_gates_runs_when_neither_chose_otherwise(first, second, reason):
    world, _ = run(gate("g1", first, yes=["a"]), gate("g2", second, yes=["a"]), stage("a"))

    assert reasons(world, "a") == [reason]


def test_a_gate_of_a_gate_skips_what_only_the_inner_one_names():
    world, _ = run(
        gate("outer", no=["inner"]),
        gate("inner", yes=["a"], no=["b"]),
        stage("a"),
        stage("b"),
        stage("c", after=("a",)),
    )

    assert reasons(world, "inner", "a", "b", "c") == ["branch"] + ["upstream_skipped"] * 3


def test_a_target_of_a_skipped_gate_that_has_a_live_dependency_runs():
    world, _ = run(stage("w"), gate(yes=["a"], when="false"), stage("a", after=("w",), value="ran"))

    assert world.output("a") == {"value": "ran"}


def test_a_target_of_a_skipped_and_of_a_live_gate_runs_when_chosen():
    world, _ = run(
        gate("off", yes=["a"], when="false"), gate("on", yes=["a"]), stage("a", value="ran")
    )

    assert world.output("a") == {"value": "ran"}


# Gates that were skipped or failed.


def test_a_skipped_gate_leaves_its_targets_without_anything_to_wait_for():
    world, _ = run(gate(yes=["a"], no=["b"], when="false"), stage("a"), stage("b"))

    assert reasons(world, "gate", "a", "b") == ["when", "upstream_skipped", "upstream_skipped"]


def failing_gate(**rest):
    return gate(
        condition=1, condition_expression="value.nope", yes=["a", "both"], no=["b", "both"], **rest
    )


def test_a_gate_that_fails_and_lets_the_run_go_on_chose_none_of_its_targets():
    world, outcome = run(
        failing_gate(on_error="continue"),
        stage("a"), stage("b"), stage("both"),
        stage("end", value="{{ upstream.gate.error.type }}"),
    )  # fmt: skip

    assert reasons(world, "a", "b", "both") == ["branch"] * 3
    assert outcome.output == {"value": "EXPRESSION"}


def test_a_gate_that_fails_fails_the_run():
    world, outcome = run(failing_gate(), stage("a"), stage("b"), stage("both"))

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.stage_id) == ("EXPRESSION", "gate")
    assert world.told("a") == []


# The other gates.


def test_a_router_runs_the_stages_of_its_route_and_those_that_it_shares():
    world, _ = run(
        stage("r", "router", value="{{ input.kind }}",
              routes={"a": ["x", "shared"], "b": ["y", "shared"]}, default_route=["z"]),
        stage("x"), stage("y"), stage("z"), stage("shared"),
        input={"kind": "b"},
    )  # fmt: skip

    assert reasons(world, "x", "y", "z", "shared") == ["branch", None, "branch", None]


def test_a_switch_router_without_a_match_runs_none_of_its_routes():
    cases = [{"value": 1, "route": "x"}, {"value": 2, "route": "y"}]
    world, _ = run(stage("s", "switch_router", data=3, cases=cases), stage("x"), stage("y"))

    assert reasons(world, "x", "y") == ["branch", "branch"]


def test_stages_that_no_gate_names_are_not_touched():
    world, _ = run(stage("r", "router", value="a", routes={"b": ["x"]}), stage("x"), stage("free"))

    assert world.status("free") == "completed"
