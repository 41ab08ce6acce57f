"""Gates inside of loops and of bodies that are repeated: each opening decides for itself."""

from __future__ import annotations

from tests.engine.coordinator.gating import gate, reasons, run
from tests.engine.coordinator.world import stage


def test_a_gate_in_a_loop_decides_for_its_iteration_alone():
    world, outcome = run(
        stage("each", "foreach", items=[1, 5, 2], loop_stages=["gate", "low", "high"]),
        gate(condition="{{ item > 3 }}", yes=["high"], no=["low"]),
        stage("low", value="low {{ item }}"),
        stage("high", value="high {{ item }}"),
    )

    assert [reasons(world, "low", "high", path=(i,)) for i in range(3)] == [
        [None, "branch"], ["branch", None], [None, "branch"],
    ]  # fmt: skip
    results = [result["value"] for result in outcome.output["results"]]
    assert results == ["low 1", "high 5", "low 2"]


def test_a_gate_in_parallel_iterations_decides_for_each_of_them():
    world, _ = run(
        stage("each", "foreach", items=[30, 10, 20], loop_stages=["w", "gate", "a"], parallel=True),
        stage("w", "work", ms="{{ item }}"),
        gate(condition="{{ item > 15 }}", after=("w",), yes=["a"]),
        stage("a"),
    )

    assert [reasons(world, "a", path=(i,)) for i in range(3)] == [[None], ["branch"], [None]]


def test_a_gate_in_a_repeated_body_decides_anew_in_each_round():
    world, _ = run(
        stage("again", "retry", task=["n", "gate", "a", "w"], initial_delay=0),
        stage("n", "variable_set", name="n", value="{{ vars.n | default(0) + 1 }}"),
        gate(condition="{{ vars.n == 2 }}", yes=["a"]),
        stage("a"),
        stage("w", "work", after=("gate",), fails_below_round=2),
    )

    by_round = [world.row("a", round=r)["skip_reason"] for r in range(3)]
    assert by_round == ["branch", None, "branch"]


def test_a_gate_in_try_decides_before_the_error_and_says_nothing_of_catch():
    world, _ = run(
        stage("safe", "trycatch", try_stages=["gate", "b", "a"], catch_stages=["c"],
              error_scope="continue"),
        gate(yes=["a"], no=["b"]),
        stage("b"),
        stage("a", error="ROUTING"),
        stage("c"),
    )  # fmt: skip

    assert reasons(world, "b") == ["branch"]
    assert [world.status(name) for name in "ac"] == ["failed", "completed"]


def test_a_body_of_skipped_stages_alone_completes_without_a_result():
    world, outcome = run(
        stage("each", "foreach", items=[1], loop_stages=["gate", "a"]),
        gate(when="false", yes=["a"]),
        stage("a"),
    )

    assert outcome.output["results"] == [None]
