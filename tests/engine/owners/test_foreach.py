"""foreach: items, results, filter, errors, leaving the loop."""

from __future__ import annotations

import pytest

from app.engine.instance import Failed
from tests.engine.coordinator.world import START, World, plan_of, stage


def run(*stages, facts=None, **config):
    """A loop `each` over these body stages, and its world and outcome."""
    body = [member["id"] for member in stages]
    config = {"loop_stages": body, **config}
    world = World(plan_of(stage("each", "foreach", **config), *stages), facts=facts or {})
    return world, world.run()


def test_an_empty_list_completes_at_once():
    world, _ = run(stage("x"), items=[])

    assert world.output("each") == {
        "total_items": 0, "processed_items": 0, "skipped_items": 0, "results": [],
        "current_item": None, "current_index": None, "is_complete": True,
    }  # fmt: skip


def test_results_are_the_last_listed_output_in_item_order_also_when_parallel():
    world, _ = run(
        stage("b", "work", ms="{{ 100 - item }}", value="{{ item }}"),
        items=[1, 50, 90],
        parallel=True,
    )

    assert world.output("each")["results"] == [{"value": 1}, {"value": 50}, {"value": 90}]
    assert world.ended.index(world.row("b", 2)["id"]) == 0


def test_a_listed_order_rules_the_result_and_the_ties():
    plan = plan_of(
        stage("each", "foreach", items=[1], loop_stages=["second", "first"]),
        stage("first", value=1),
        stage("second", value=2),
    )
    world = World(plan)
    world.run()

    assert world.output("each")["results"] == [{"value": 1}]
    started = [id for event, id, _ in world.events if event == "stage_started"]
    assert started == ["each", "second", "first"]


def test_filtered_items_are_skipped_and_indexes_stay_those_of_the_items():
    world, _ = run(
        stage("x", value="{{ index }}:{{ item }}"),
        items=["a", "b", "c", "d"],
        filter_expression="item != 'a' and index < 3",
    )

    output = world.output("each")
    assert output["results"] == [{"value": "1:b"}, {"value": "2:c"}]
    assert (output["total_items"], output["processed_items"], output["skipped_items"]) == (4, 2, 2)
    assert (output["current_item"], output["current_index"]) == ("c", 2)


def test_a_filter_that_fails_fails_the_stage():
    _, outcome = run(stage("x"), items=[{}], filter_expression="item.nope")

    assert outcome.error.type == "EXPRESSION"
    assert outcome.error.stage_id == "each"


def test_only_so_many_iterations_are_open_at_once():
    world, _ = run(stage("x", "work"), items=[1] * 9, parallel=True, max_parallel=4)

    assert world.most_at_once == 4


def test_one_by_one_unless_parallel():
    world, _ = run(stage("x", "work", ms=10), items=[1, 2, 3])

    assert [world.row("x", i)["started_at"] - START for i in range(3)] == [0, 10, 20]


def test_without_collecting_the_items_are_shown_instead_of_results():
    world, _ = run(stage("x"), items=list(range(150)), collect_results=False)

    output = world.output("each")
    assert output["results"] == []
    assert output["items_to_process"] == list(range(100))


def test_the_first_failure_fails_the_stage_with_its_index():
    world, outcome = run(stage("x", "work", fails="{{ item }}", error="EXECUTION"), items=[0, 1, 0])

    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.error.details["index"]) == ("EXECUTION", 1)
    assert world.status("each") == "failed"
    assert not any(row["key"].path == (2,) for row in world.rows.values())


def test_a_failure_cancels_the_iterations_beside_it():
    world, _ = run(
        stage("x", "work", ms="{{ 10 + index }}", fails="{{ item }}", error="EXECUTION"),
        items=[1, 0],
        parallel=True,
    )

    assert world.status("x", 1) == "cancelled"


def test_failures_are_results_when_the_loop_goes_on():
    world, _ = run(
        stage("x", "work", fails="{{ item }}", error="EXECUTION"),
        items=[0, 1],
        break_on_error=False,
    )

    error = {"type": "EXECUTION", "message": "it broke", "stage_id": "x"}
    assert world.output("each")["results"] == [{"value": None}, {"error": error}]


def test_break_ends_the_loop_with_its_result():
    world, _ = run(
        stage("stop", "break_loop", condition="{{ item == 2 }}", result="enough"),
        stage("rest", after=("stop",), value="{{ item }}"),
        items=[1, 2, 3],
    )

    output = world.output("each")
    assert output["results"] == [{"value": 1}, "enough"]
    assert (output["is_complete"], output["processed_items"]) == (False, 2)
    assert world.row("rest", 1)["skip_reason"] == "break"


def test_continue_ends_only_its_iteration():
    world, _ = run(
        stage("on", "continue_loop", condition="{{ item == 1 }}"),
        stage("rest", after=("on",), value="{{ item }}"),
        stage("last", after=("rest",), value="{{ item }}"),
        items=[1, 2],
    )

    assert world.output("each")["results"] == [None, {"value": 2}]
    assert [world.row(id, 0)["skip_reason"] for id in ("rest", "last")] == ["continue"] * 2
    assert world.output("each")["is_complete"] is True


def test_break_in_parallel_lets_open_iterations_finish():
    world, _ = run(
        stage("w", "work", ms="{{ item * 10 }}", value="{{ item }}"),
        stage("stop", "break_loop", after=("w",), condition="{{ item == 1 }}"),
        stage("z", after=("stop",), value="{{ item }}"),
        items=[3, 1, 5, 7],
        parallel=True,
        max_parallel=2,
    )

    assert world.output("each")["results"] == [{"value": 3}, None]


def test_break_within_a_body_ends_the_loop_around_it():
    plan = plan_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["again", "rest"]),
        stage("again", "retry", task=["stop", "more"]),
        stage("stop", "break_loop", condition="true", result="out"),
        stage("more", after=("stop",)),
        stage("rest", after=("again",)),
    )
    world = World(plan)
    world.run()

    assert world.output("each")["results"] == ["out"]
    assert world.status("again", 0) == "cancelled"
    assert world.row("rest", 0)["skip_reason"] == "break"


def test_inner_items_hide_outer_ones_which_keep_their_names():
    plan = plan_of(
        stage("outer", "foreach", items=["a", "b"], loop_stages=["inner"], item_variable="letter"),
        stage("inner", "foreach", items=[1], loop_stages=["x"]),
        stage("x", value="{{ context.letter }}{{ item }}{{ context.item }}{{ index }}"),
    )
    world = World(plan)
    world.run()

    assert world.output("x", 1, 0) == {"value": "b110"}


def test_more_items_than_allowed_is_validation():
    _, outcome = run(stage("x"), items=[1, 2, 3], facts={"max_loop_items": 2})

    assert outcome.error.type == "VALIDATION"


@pytest.mark.parametrize("parallel", [False, True])
def test_ten_thousand_iterations_without_a_body_do_not_pile_up(parallel):
    world = World(plan_of(stage("each", "foreach", items="{{ range(10000) }}", parallel=parallel)))
    world.run()

    assert world.output("each")["processed_items"] == 10_000


def test_ended_iterations_are_forgotten():
    world = World(
        plan_of(
            stage("each", "foreach", items="{{ range(500) }}", loop_stages=["x", "w"]),
            stage("x"),
            stage("w", "work", after=("x",), ms="{{ 10 }}"),
        )
    )
    coordinator = world.fresh()
    world.drive(coordinator, stop_after=1500)

    [loop] = coordinator.root.owners.values()
    assert len(loop.openings) == 1
    assert not loop.written


def test_loops_that_nest_too_deep_fail_the_run():
    loops = [stage(f"s{n}", "foreach", items=[1], loop_stages=[f"s{n + 1}"]) for n in range(450)]
    world = World(plan_of(*loops, stage("s450")))

    outcome = world.run()

    assert (outcome.error.type, outcome.error.stage_id) == ("CONTROL_FLOW", "s400")
