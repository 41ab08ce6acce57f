"""break_loop and continue_loop: by themselves, and what they do to the loop around them."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.engine.operators.loop_control import BreakLoop, ContinueLoop
from tests.engine.coordinator.world import World, plan_of, stage
from tests.engine.operators.running import output_of


def test_break_loop_gives_what_it_was_told():
    assert output_of(BreakLoop(), condition=True, result={"hit": 1}, message="found") == {
        "broken": True,
        "result": {"hit": 1},
        "message": "found",
    }


def test_continue_loop_gives_what_it_was_told():
    assert output_of(ContinueLoop(), condition=True, message="empty") == {
        "continued": True,
        "message": "empty",
    }


@pytest.mark.parametrize(
    ("component", "flag"), [(BreakLoop, "broken"), (ContinueLoop, "continued")]
)
@pytest.mark.parametrize(
    ("condition", "leaves"),
    [(True, True), (False, False), ("true", True), ("off", False), ("1", True)],
)
def test_the_condition_is_read_as_a_boolean(component, flag, condition, leaves):
    assert output_of(component(), condition=condition)[flag] is leaves


@pytest.mark.parametrize("component", [BreakLoop, ContinueLoop])
@pytest.mark.parametrize("condition", [None, 1, "perhaps", []])
def test_a_condition_that_is_no_boolean_is_refused(component, condition):
    with pytest.raises(StageError) as refused:
        output_of(component(), condition=condition)

    assert (refused.value.type, refused.value.details["field"]) == ("VALIDATION", "/condition")


# What they do to the loop around them.


def run(*body, items=(1, 2, 3), **config):
    """A loop `each` over these body stages; further stages are owned by them."""
    ids = [member["id"] for member in body if not member["id"].startswith("in_")]
    loop = stage("each", "foreach", items=list(items), loop_stages=ids, **config)
    world = World(plan_of(loop, *body))
    return world, world.run()


def leave(kind, item, name="leave", **rest):
    return stage(name, kind, condition=f"{{{{ item == {item} }}}}", **rest)


def test_break_skips_the_rest_of_its_iteration_and_starts_no_further_one():
    world, outcome = run(
        leave("break_loop", 2, result="enough"), stage("x", after=("leave",), value="{{ item }}")
    )

    assert outcome.output["results"] == [{"value": 1}, "enough"]
    assert (outcome.output["processed_items"], outcome.output["is_complete"]) == (2, False)
    assert (outcome.output["current_item"], outcome.output["current_index"]) == (2, 1)
    assert world.row("x", 1)["skip_reason"] == "break"
    assert not any(key.path == (2,) for key in world.keys)


def test_break_in_the_last_iteration_leaves_the_loop_incomplete_too():
    _, outcome = run(leave("break_loop", 3))

    assert outcome.output["is_complete"] is False


def test_continue_gives_null_and_goes_on_with_the_next_item():
    world, outcome = run(
        leave("continue_loop", 2), stage("x", after=("leave",), value="{{ item }}")
    )

    assert outcome.output["results"] == [{"value": 1}, None, {"value": 3}]
    assert (outcome.output["processed_items"], outcome.output["is_complete"]) == (3, True)
    assert world.row("x", 1)["skip_reason"] == "continue"


def test_what_has_begun_in_the_iteration_finishes():
    world, outcome = run(
        stage("w", "work", ms=90, value="w"),
        stage("q", "work", ms=10),
        leave("break_loop", 1, after=("q",), result="out"),
        stage("x", after=("w",)),
    )

    assert world.status("w", 0) == "completed"
    assert world.row("x", 0)["skip_reason"] == "break"
    assert outcome.output["results"] == ["out"]


def test_only_the_innermost_loop_is_left():
    _, outcome = run(
        stage("inner", "foreach", items=[10, 20, 30], loop_stages=["in_stop"]),
        leave("break_loop", 20, "in_stop", result="out"),
        stage("x", after=("inner",), value="{{ upstream.inner.is_complete }}"),
        items=["a", "b"],
    )

    assert outcome.output["results"] == [{"value": False}, {"value": False}]
    assert outcome.output["is_complete"] is True


OWNERS = {
    "retry": {"task": ["in_w", "in_leave", "in_x"]},
    "timeout": {"task": ["in_w", "in_leave", "in_x"], "timeout": 60},
    "parallel": {"tasks": [["in_w", "in_leave", "in_x"]]},
    "trycatch": {"try_stages": ["in_w", "in_leave", "in_x"]},
}


@pytest.mark.parametrize("kind", OWNERS)
@pytest.mark.parametrize(
    ("leaving", "reason"), [("break_loop", "break"), ("continue_loop", "continue")]
)
def test_out_of_an_owner_the_owner_is_cancelled_and_the_rest_of_the_iteration_is_skipped(
    kind, leaving, reason
):
    world, outcome = run(
        stage("own", kind, **OWNERS[kind]),
        stage("in_w", "work", ms=5000),
        leave(leaving, 1, "in_leave"),
        stage("in_x", after=("in_w",)),
        stage("rest", after=("own",)),
        items=[1, 2],
    )

    assert [world.status(name, 0) for name in ("own", "in_w")] == ["cancelled", "cancelled"]
    assert [world.row(name, 0)["skip_reason"] for name in ("in_x", "rest")] == [reason, reason]
    assert outcome.output["processed_items"] == (1 if leaving == "break_loop" else 2)


def test_out_of_trycatch_neither_catch_nor_finally_runs():
    world, _ = run(
        stage("own", "trycatch", try_stages=["in_leave"], catch_stages=["in_c"],
              finally_stages=["in_f"]),
        leave("break_loop", 1, "in_leave"),
        stage("in_c"),
        stage("in_f"),
    )  # fmt: skip

    assert (world.told("in_c"), world.told("in_f")) == ([], [])


def test_out_of_catch_the_loop_can_be_left_after_an_error():
    _, outcome = run(
        stage(
            "own", "trycatch", try_stages=["in_t"], catch_stages=["in_c"], error_scope="continue"
        ),
        stage("in_t", error="{{ 'ROUTING' if item == 2 else '' }}"),
        stage("in_c", "break_loop", condition=True, result="{{ error.type }}"),
    )

    assert outcome.output["results"][1:] == ["ROUTING"]


def test_of_two_that_leave_the_first_to_act_decides():
    _, outcome = run(
        leave("continue_loop", 1), leave("break_loop", 1, "later", result="no"), items=[1, 2]
    )

    assert outcome.output["results"][0] is None
    assert outcome.output["is_complete"] is True


def test_break_in_parallel_lets_running_iterations_finish_and_starts_no_other():
    world, outcome = run(
        stage("w", "work", ms="{{ item }}", value="{{ item }}"),
        leave("break_loop", 10, after=("w",), result="out"),
        stage("x", after=("leave",), value="{{ item }}"),
        items=[50, 10, 60, 70],
        parallel=True,
        max_parallel=2,
    )

    assert outcome.output["results"] == [{"value": 50}, "out"]
    assert outcome.output["processed_items"] == 2
    assert not any(key.path == (2,) for key in world.keys)
