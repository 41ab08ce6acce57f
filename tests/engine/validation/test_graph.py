"""Problems between stages: dependencies, cycles, bodies, owners, gates."""

import pytest

from app.engine.validation import validate_document
from tests.engine.pieces import REGISTRY, document, loop, messages, note, problems, sets, stage


def test_an_unknown_dependency_is_told_at_its_place():
    assert problems(document(note("a"), note("b", "a", "nope"))) == [
        ("/stages/1/depends_on/1", "unknown-dependency")
    ]


def test_a_broken_list_of_dependencies_is_read_as_far_as_it_goes():
    assert problems(document(note("a", depends_on=[5, "nope"]))) == [
        ("/stages/0/depends_on/0", "wrong-type"),
        ("/stages/0/depends_on/1", "unknown-dependency"),
    ]


def test_a_cycle_is_told_with_its_path_from_its_first_stage():
    [problem] = validate_document(document(note("x"), note("b", "a"), note("a", "b")), REGISTRY)

    assert (problem.pointer, problem.code) == ("/stages/1/depends_on", "cycle")
    assert "b -> a -> b" in problem.message


def test_a_stage_that_needs_itself_is_a_cycle():
    [message] = messages(note("a", "a"))

    assert "a -> a" in message


def test_a_cycle_by_references_is_told_at_depends_on():
    raw = document(note("a", text="{{ upstream.b }}"), note("b", when="upstream.a"))

    assert problems(raw) == [("/stages/0/depends_on", "cycle")]


def test_each_cycle_is_one_problem():
    told = messages(note("a", "b", "c"), note("b", "a"), note("c", "a"), note("d", "d"))

    assert [message.partition(": ")[2] for message in told] == [
        "a -> b -> a",
        "a -> c -> a",
        "d -> d",
    ]


def test_a_cycle_through_an_owner_names_the_owner():
    [message] = messages(loop("each", "x"), note("x", "after"), note("after", "each"))

    assert "each -> after -> each" in message


def test_a_stage_cannot_wait_for_what_runs_it():
    [message] = messages(loop("each", "x"), note("x", text="{{ upstream.each.results }}"))

    assert "x -> each -> x" in message


def test_a_gate_and_its_target_can_make_a_cycle():
    assert problems(document(stage("g", "gate", ("t",), to=["t"]), note("t"))) == [
        ("/stages/0/depends_on", "cycle")
    ]


def test_variables_that_contradict_dependencies_are_a_cycle():
    # first reads what `sets` wrote, which waits for last, which reads what first must precede
    told = messages(
        sets("x", "X", "q"),
        sets("y", "Y", "r"),
        note("r", text="{{ vars.X }}"),
        note("q", text="{{ vars.Y }}"),
    )

    assert [message.partition(": ")[2] for message in told] == ["x -> q -> y -> r -> x"]


def test_stages_that_own_each_other_are_a_cycle():
    told = messages(loop("a", "b"), loop("b", "a"))

    assert [message.partition(": ")[2] for message in told] == ["a -> b -> a."]


def test_a_stage_that_owns_itself_is_a_cycle():
    assert problems(document(loop("a", "a"))) == [("/stages/0/config/loop_stages/0", "cycle")]


@pytest.mark.parametrize("chosen", ["nope", "x"])
def test_an_absent_or_owned_output_stage_is_unknown(chosen):
    raw = document(loop("each", "x"), note("x"), output_stage_id=chosen)

    assert problems(raw) == [("/output_stage_id", "unknown-output-stage")]


def test_a_reference_to_no_stage_is_told():
    raw = document(
        note("a", text=["{{ upstream.nope.x }}"]), stage("b", "note", test="upstream.no")
    )

    assert problems(raw) == [
        ("/stages/0/config/text/0", "unknown-stage-reference"),
        ("/stages/1/config/test", "unknown-stage-reference"),
    ]


def test_a_reference_into_a_body_crosses_it():
    raw = document(loop("each", "x"), note("x"), note("a", "x", text="{{ upstream.x }}"))

    assert problems(raw) == [
        ("/stages/2/config/text", "crosses-body"),
        ("/stages/2/depends_on/0", "crosses-body"),
    ]


def test_bodies_of_one_owner_do_not_refer_to_each_other():
    raw = document(stage("t", "attempt", first=["a"], rescue=["b"]), note("a"), note("b", "a"))

    assert problems(raw) == [("/stages/2/depends_on/0", "crosses-body")]


def test_a_body_may_refer_outwards():
    assert problems(document(loop("each", "x"), note("x", "a"), note("a"))) == []


@pytest.mark.parametrize("target", ["x", "a"])
def test_a_gate_reaches_its_own_body_only(target):
    raw = document(
        loop("each", "x", "inner"),
        note("x"),
        note("a"),
        stage("outer", "gate", to=["x"] if target == "x" else []),
        stage("inner", "gate", to=["a"] if target == "a" else []),
    )
    place = 3 if target == "x" else 4

    assert problems(raw) == [(f"/stages/{place}/config/to/0", "crosses-body")]


def test_absent_targets_of_owners_and_gates_are_told():
    raw = document(
        note("a"),
        loop("b", "a", "nope"),
        stage("c", "gate", routes={"x": ["nope"]}),
        stage("d", "several", tasks=["nope", ["no"]]),
    )

    assert problems(raw) == [
        ("/stages/1/config/loop_stages/1", "unknown-target"),
        ("/stages/2/config/routes/x/0", "unknown-target"),
        ("/stages/3/config/tasks/0", "unknown-target"),
        ("/stages/3/config/tasks/1/0", "unknown-target"),
    ]


def test_a_stage_has_one_owner():
    raw = document(
        note("x"),
        loop("a", "x"),
        loop("b", "x"),
        stage("c", "attempt", first=["y", "y"]),
        note("y"),
    )

    assert problems(raw) == [
        ("/stages/2/config/loop_stages/0", "owned-twice"),
        ("/stages/3/config/first/1", "owned-twice"),
    ]


def test_loop_control_works_in_loops_only():
    config = {"condition": True}
    outside = document({"id": "a", "type": "break", "config": config})
    inside = document(loop("each", "a"), stage("a", "break", **config))

    assert problems(outside) == [("/stages/0/type", "not-in-loop")]
    assert problems(inside) == []
