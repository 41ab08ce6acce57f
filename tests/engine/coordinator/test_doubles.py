"""What is taken over from another run, and how."""

from __future__ import annotations

import pytest

from app.core.states import StageStatus
from app.engine.doubles import Doubles
from app.engine.instance import Failed, Key
from tests.engine.coordinator.documents import ALL
from tests.engine.coordinator.forks import called, cut_after, executed, fork, ran
from tests.engine.coordinator.test_doubles_replay import ends_alike
from tests.engine.coordinator.world import START, World, plan_of, stage

CHAIN = [stage("a", "work", value=1), stage("b", "work", value="{{ upstream.a.value + 1 }}")]


def test_what_is_taken_over_tells_its_end_and_no_beginning():
    world = fork(ran(plan_of(*CHAIN)), cut=1)

    world.run()

    assert world.told("a") == ["stage_completed"]
    assert world.told("b") == ["stage_started", "stage_completed"]
    assert executed(world) == {"b"}
    assert called(world) == {"b"}


def test_what_is_taken_over_takes_no_time():
    world = fork(ran(plan_of(*CHAIN)))

    outcome = world.run()

    assert outcome.output == {"value": 2}
    assert world.now == START
    assert {(row["started_at"], row["completed_at"]) for row in world.rows.values()} == {
        (START, START)
    }


def test_attempts_usage_and_errors_are_those_of_the_source():
    straight = ran(
        plan_of(
            stage("a", "work", fails=1, retry={"max_attempts": 2, "initial_delay_ms": 1}),
            stage("b", "work", fails=3, error="ROUTING", on_error="continue"),
            stage("end", value="{{ upstream.b.error.type }}", after=("a",)),
        )
    )
    world = fork(straight)

    outcome = world.run()

    assert (world.row("a")["attempt"], world.row("a")["failures"]) == (2, 1)
    assert world.row("b")["error"] == straight.row("b")["error"]
    assert outcome.output == {"value": "ROUTING"}


def test_what_is_taken_over_is_so_before_its_when_is_looked_at():
    changed = plan_of(*(CHAIN[:1]), {**CHAIN[1], "when": "false"})
    world = fork(ran(plan_of(*CHAIN)), plan=changed)

    world.run()

    assert world.status("b") == "completed"


def test_skipped_stages_stay_skipped():
    plan = plan_of(stage("off", "work", when="input.no"), stage("b", "work", after=("off",)))
    world = fork(ran(plan, {"no": False}), input={"no": True})

    world.run()

    assert (world.status("off"), world.status("b")) == ("skipped", "skipped")
    assert executed(world) == set()


def test_stage_that_failed_the_run_executes_again():
    plan = plan_of(stage("a", "work"), stage("bad", "work", after=("a",), fails=1))
    world = fork(ran(plan))

    outcome = world.run()

    assert isinstance(outcome, Failed)
    assert called(world) == {"bad"}


def test_stage_that_a_test_forbade_executes_in_a_fork_of_that_test():
    plan = plan_of(stage("w", "work", on_error="continue", value=1))
    straight = World(plan, doubles=Doubles(mocks={}))
    straight.run()
    world = fork(straight)

    outcome = world.run()

    assert outcome.output == {"value": 1}
    assert called(world) == {"w"}


def test_finished_owner_is_taken_over_with_the_rows_inside_before_it():
    plan = plan_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["w", "add"]),
        stage("w", "work", value="{{ item }}"),
        stage("add", "variable_set", name="sum", value="{{ vars.sum | default(0) + item }}"),
        stage("end", "work", value="{{ vars.sum }}", after=("each",)),
    )
    straight = ran(plan)
    world = fork(straight, cut_after(straight, "each"))

    world.run()

    taken = [(id, *path) for event, id, path in world.events if event == "stage_completed"]
    assert taken[-2:] == [("each",), ("end",)]
    assert {("w", 0), ("add", 0), ("w", 1), ("add", 1)} == set(taken[:-2])
    assert world.told("each") == ["stage_completed"]
    assert world.output("end") == {"value": 3}
    assert executed(world) == {"end"}


def test_record_of_a_taken_owner_tells_what_its_bodies_wrote():
    plan = plan_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["add"]),
        stage("add", "variable_set", name="last", value="{{ item }}"),
    )
    world = fork(ran(plan))

    world.run()

    told = {r.instance.key: r.writes for r in world.records}
    assert told[Key("each", (), 0)] == {("last", False): 2}
    assert told[Key("add", (0,), 0)] == {("last", False): 1}


def loop(**config):
    return plan_of(
        stage("each", "foreach", items="{{ input.items }}", loop_stages=["x", "y"], **config),
        stage("x", "work", value="{{ item }}"),
        stage("y", "work", value="{{ upstream.x.value }}"),
        stage("end", "work", value="{{ upstream.each.results }}"),
    )


def test_loop_goes_on_from_the_iteration_in_which_it_stood():
    straight = ran(loop(), {"items": [1, 2, 3]})
    world = fork(straight, cut_after(straight, "x", 1))

    outcome = world.run()

    assert called(world) == {("y", 1), ("x", 2), ("y", 2), "end"}
    assert outcome.output == {"value": [{"value": 1}, {"value": 2}, {"value": 3}]}


def test_loop_with_other_inputs_than_recorded_executes_whole():
    straight = ran(loop(), {"items": [1, 2, 3]})
    world = fork(straight, cut_after(straight, "x", 1), input={"items": [1, 2, True]})

    world.run()

    assert len(called(world)) == 7
    assert executed(world) == {"each", "x", "y", "end"}


def test_finished_loop_that_holds_a_reached_stage_takes_over_the_others_inside():
    straight = ran(loop(), {"items": [1, 2]})
    world = fork(straight, reached=frozenset({"y", "end"}))

    world.run()

    assert called(world) == {("y", 0), ("y", 1), "end"}
    assert executed(world) == {"each", "y", "end"}


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
)
def test_inputs_that_can_be_told_apart_are_not_equal(one, other):
    straight = ran(loop(), {"items": [one]})
    world = fork(straight, cut_after(straight, "x", 0), input={"items": [other]})

    world.run()

    assert ("x", 0) in called(world)


def test_delays_that_the_source_waited_for_are_not_waited_for_again():
    plan = plan_of(
        stage("again", "retry", task=["w"], initial_delay=500),
        stage("w", "work", fails_below_round=2),
        stage("end", after=("again",)),
    )
    straight = ran(plan)
    world = fork(straight, cut_after(straight, "w", round=1))

    world.run()

    assert called(world) == {("w", "r2")}
    assert world.now - START == 30_000 + 10  # the delay before the last round, and the call


def test_attempts_of_an_owner_that_the_source_made_follow_at_once():
    retry = {"max_attempts": 3, "initial_delay_ms": 60_000, "jitter": False}
    plan = plan_of(
        stage("each", "foreach", items=[1], loop_stages=["w"], retry=retry),
        stage("w", "work", fails_below_round=2),
    )
    straight = ran(plan)
    world = fork(straight, cut_after(straight, "w", 0, round=1))

    world.run()

    assert called(world) == {("w", 0, "r2")}
    assert world.now - START == 30_000 + 10


def test_rounds_that_were_abandoned_keep_their_numbers():
    plan = plan_of(
        stage("outer", "retry", task=["inner", "check"], initial_delay=0),
        stage("inner", "retry", task=["w"], initial_delay=0, timeout_ms=100,
              on_error="continue"),
        stage("w", "work", fails_below_round=1, ms=60),
        stage("check", "work", after=("inner",), fails_below_round=1, ms=10),
    )  # fmt: skip
    straight = ran(plan)
    assert straight.status("w", round=1) == "cancelled"
    world = fork(straight, cut_after(straight, "w", round=2))

    outcome = world.run()

    assert called(world) == {("check", "r1")}
    assert outcome.output["attempts"] == 2


def test_loop_beside_a_failure_goes_on_as_it_did():
    plan = plan_of(
        stage("try", "trycatch", try_stages=["each", "bad"], catch_stages=["c"],
              error_scope="continue"),
        stage("bad", "work", ms=15, fails=1, error="EXECUTION"),
        stage("each", "foreach", items=[1, 2, 3], loop_stages=["w"]),
        stage("w", "work", ms=10, value="{{ item }}"),
        stage("c", "work", value="{{ error.type }}"),
    )  # fmt: skip
    straight = ran(plan)
    world = fork(straight, cut_after(straight, "w", 1))

    world.run()

    assert called(world) == {("w", 2), "c"}
    assert world.status("each") == "completed"


def test_what_ended_beside_a_failure_is_taken_over_with_it():
    plan = plan_of(
        stage("try", "trycatch", try_stages=["bad", "slow"], catch_stages=["c"],
              error_scope="continue"),
        stage("slow", "work", ms=15),
        stage("bad", "work", ms=10, fails=1, error="EXECUTION"),
        stage("c", "work", value="{{ error.type }}"),
    )  # fmt: skip
    straight = ran(plan)
    world = fork(straight, cut_after(straight, "slow"))

    world.run()

    assert called(world) == {"c"}
    assert (world.status("bad"), world.status("slow")) == ("failed", "completed")


def test_first_of_two_failures_is_the_first_again():
    plan = plan_of(
        stage("try", "trycatch", try_stages=["late", "early"], catch_stages=["c"],
              error_scope="continue"),
        stage("late", "work", ms=15, fails=1, error="ROUTING"),
        stage("early", "work", ms=10, fails=1, error="EXECUTION"),
        stage("c", "work", value="{{ error.type }}"),
    )  # fmt: skip
    straight = ran(plan)
    world = fork(straight, cut_after(straight, "late"))

    world.run()

    assert world.output("c") == {"value": "EXECUTION"}


def test_skips_that_follow_from_others_are_taken_over_only_when_they_follow_again():
    plan = plan_of(
        stage("each", "foreach", items=[1, 2], loop_stages=["stop", "rest"]),
        stage("stop", "break_loop", condition="{{ input.stop }}"),
        stage("rest", "work", after=("stop",)),
    )
    straight = ran(plan, {"stop": True})
    same = fork(straight, cut_after(straight, "rest", 0))
    other = fork(straight, reached=frozenset({"stop"}), input={"stop": False})

    same.run()
    other.run()

    assert (same.status("rest", 0), same.row("rest", 0)["reused"]) == ("skipped", True)
    assert (other.status("rest", 0), other.status("rest", 1)) == ("completed", "completed")


def test_outputs_that_are_taken_over_count():
    straight = ran(plan_of(*CHAIN))
    world = fork(straight, cut=1)
    world.facts["max_run_bytes"] = len('{"value":1}') + 1

    outcome = world.run()

    assert isinstance(outcome, Failed)
    assert outcome.error.stage_id == "b"


@pytest.mark.parametrize("name", ALL)
def test_reached_stages_execute_and_nothing_else(name):
    straight = ran(ALL[name])
    outcome = fork(straight, 0).run()

    for stage_id in straight.plan.stages:
        world = fork(straight, reached=frozenset({stage_id}))
        again = world.run()

        fatal = {row.key.stage_id for row in world.doubles.source.rows
                 if not world.doubles.source.taken(row.key)}  # fmt: skip
        cancelled = {
            row["key"].stage_id
            for row in straight.rows.values()
            if row["status"] is StageStatus.CANCELLED
        }
        beside = {key.stage_id for key in world.calls} - fatal - cancelled - {stage_id}
        assert ends_alike(again, outcome), stage_id
        assert not {id for id in beside if straight.told(id)} or name.startswith("refused")
