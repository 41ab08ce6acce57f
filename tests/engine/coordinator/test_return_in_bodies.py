"""return from inside of bodies ends the whole run, whatever is around."""

from __future__ import annotations

from tests.engine.coordinator.returning import leave, left, run
from tests.engine.coordinator.world import World, plan_of, stage


def loop(*members, **config):
    return stage("each", "foreach", items=[1, 2, 3], loop_stages=list(members), **config)


def test_out_of_a_loop_the_whole_run_ends():
    world, outcome = run(
        loop("w", "out", "rest"),
        stage("w", "work", value="{{ item * 10 }}"),
        leave(after=("w",), condition="{{ item == 2 }}", return_value="{{ upstream.w.value }}"),
        stage("rest", after=("out",)),
        stage("end", after=("each",)),
    )

    assert outcome.output == 20
    assert world.status("each") == "cancelled"
    assert world.status("rest", 0) == "completed"
    assert world.row("rest", 1)["skip_reason"] == "return"
    assert world.row("end")["skip_reason"] == "return"
    assert not any(row["key"].path == (2,) for row in world.rows.values())
    assert left(world) == ["rest", "end"]


def test_out_of_parallel_iterations_the_others_are_cancelled():
    world, outcome = run(
        loop("w", "out", "rest", parallel=True),
        stage("w", "work", ms="{{ 100 if item == 2 else 9000 }}"),
        leave(after=("w",), return_value="{{ index }}"),
        stage("rest", after=("out",)),
    )

    assert outcome.output == 1
    assert [world.status("w", i) for i in range(3)] == ["cancelled", "completed", "cancelled"]
    assert [world.row("rest", i)["skip_reason"] for i in range(3)] == ["return"] * 3
    assert [world.row("out", i)["skip_reason"] for i in (0, 2)] == ["return"] * 2


def test_out_of_owners_in_owners_every_one_is_cancelled_and_finally_does_not_run():
    world, outcome = run(
        stage("limit", "timeout", task="safe", timeout=60),
        stage("safe", "trycatch", try_stages=["again"], finally_stages=["f"]),
        stage("again", "retry", task=["w", "out", "late"]),
        stage("w", "work", fails_below_round=1),
        leave(after=("w",), return_value="deep"),
        stage("late", after=("out",)),
        stage("f"),
    )

    assert outcome.output == "deep"
    assert [world.status(name) for name in ("limit", "safe", "again")] == ["cancelled"] * 3
    assert world.told("f") == []
    assert world.row("late", round=1)["skip_reason"] == "return"


def test_no_event_follows_those_of_the_stages_that_it_skips():
    world, _ = run(
        loop("out", "x"), leave(return_value=1), stage("x", "work"), stage("end", after=("each",))
    )

    assert world.events == [
        ("stage_started", "each", ()),
        ("stage_started", "out", (0,)),
        ("stage_completed", "out", (0,)),
        ("stage_skipped", "end", ()),
        ("stage_skipped", "x", (0,)),
    ]


def test_another_worker_ends_the_run_by_a_return_that_stands():
    world = World(
        plan_of(
            stage("slow", "work", ms=5000),
            stage("quick", "work"),
            leave(after=("quick",), return_value=1),
            stage("b", after=("out",)),
        )
    )
    world.drive(world.fresh(), stop_after=5)
    assert world.status("out") == "completed"

    outcome = world.drive(world.rebuilt())

    assert outcome.output == 1
    assert (world.status("slow"), world.row("b")["skip_reason"]) == ("cancelled", "return")
