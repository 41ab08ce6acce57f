"""Reach: what a change can touch executes, and nothing else."""

import time

import pytest

from app.engine.planner.reach import changed_members, given_variables, reach
from tests.engine.pieces import loop, note, plan, sets, stage

READ = "{{ vars.X | default(0) }}"


def reached(*stages, unfinished=(), **changes):
    """What a change of a run of these stages reaches, in document order."""
    made = plan(*stages)
    found = reach(made, set(made.stages) - {*unfinished}, **changes)
    return [id for id in made.stages if id in found]


def test_no_change_reaches_nothing():
    assert reached(note("a"), note("b", "a")) == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ input.x }}",
        '{{ input["x"].y }}',
        "{{ input }}",
        "{{ input[input.y] }}",
        '{{ "x" in input }}',
        ["n", {"k": "of {{ input.x | default(1) }}"}],
    ],
)
def test_a_changed_member_of_the_input_reaches_what_names_it_or_looks_at_all(text):
    assert reached(note("a", text=text), note("b"), input={"x"}) == ["a"]


@pytest.mark.parametrize("text", ["{{ input.y }}", "{{ input.y.x }}", "x", "{{ vars.x }}"])
def test_a_changed_member_of_the_input_reaches_nothing_else(text):
    assert reached(note("a", text=text), input={"x"}) == []


def test_a_condition_and_an_expression_field_refer_as_templates_do():
    stages = note("a", when="input.x > 1"), stage("b", "note", test="input.x"), note("c")

    assert reached(*stages, input={"x"}) == ["a", "b"]


def test_what_depends_on_a_reached_stage_is_reached():
    stages = (
        note("a", text="{{ input.x }}"),
        note("b", "a"),
        note("c", text="{{ upstream.b.y }}"),
        note("d"),
        stage("g", "gate", ("c",), to=["d"]),
        note("e", "d"),
        note("z"),
    )

    assert reached(*stages, input={"x"}) == ["a", "b", "c", "d", "g", "e"]


def test_a_changed_config_reaches_the_stage_and_what_depends_on_it():
    assert reached(note("a"), note("b", "a"), note("c"), configs={"a"}) == ["a", "b"]


def test_a_given_output_reaches_what_depends_on_it_but_not_the_stage():
    assert reached(note("a"), note("b", "a"), note("c", "b"), outputs={"a"}) == ["b", "c"]


def test_a_given_output_stands_even_where_its_stage_would_be_reached():
    stages = note("a", text="{{ input.x }}"), note("b", "a"), note("c", "b")

    assert reached(*stages, input={"x"}, outputs={"b"}) == ["a", "c"]


def test_a_changed_variable_reaches_its_readers_and_who_overwrites_it():
    stages = (
        sets("s", "X"),
        note("r", text=READ),
        note("all", text="{{ vars }}"),
        note("other", text="{{ vars.Y | default(0) }}"),
        sets("t", "Y"),
    )

    assert reached(*stages, variables={"X"}) == ["s", "r", "all"]


def test_what_reads_a_variable_is_reached_by_its_setter():
    stages = sets("s", "X", value="{{ input.x }}"), note("r", text=READ), note("u", "r"), note("z")

    assert reached(*stages, input={"x"}) == ["s", "r", "u"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ["s", "child"]),
        ({"isolated": True}, ["s"]),
        ({"inherit_context": False}, ["s"]),
        ({"isolated": "{{ input.y }}"}, ["s", "child"]),
    ],
)
def test_a_subpipeline_that_copies_variables_reads_all_of_them(config, expected):
    child = stage("child", "subpipeline", pipeline_id="p", **config)

    assert reached(sets("s", "X"), child, configs={"s"}) == expected


def test_a_subpipeline_reads_the_input_that_its_data_name():
    child = stage("child", "subpipeline", pipeline_id="p", input_data={"a": "{{ input.x }}"})

    assert reached(child, input={"x"}) == ["child"]
    assert reached(child, input={"y"}) == []


def test_an_owner_is_reached_by_what_it_runs_and_its_other_stages_are_not():
    stages = loop("each", "a", "b"), note("a", text="{{ input.x }}"), note("b"), note("u", "each")

    assert reached(*stages, input={"x"}) == ["each", "a", "u"]


def test_what_an_owner_runs_is_not_reached_by_its_config():
    stages = loop("each", "a", items="{{ input.x }}"), note("a", text="{{ item }}")

    assert reached(*stages, input={"x"}) == ["each"]


def test_a_body_stage_is_reached_by_the_outer_stage_that_it_refers_to():
    stages = (
        note("out"),
        loop("each", "inner", "c"),
        loop("inner", "a", "b"),
        note("a", text="{{ upstream.out }}"),
        note("b", "out"),
        note("c"),
    )

    assert reached(*stages, outputs={"out"}) == ["each", "inner", "a", "b"]


def test_a_body_stage_is_reached_by_the_outer_setter_that_it_reads():
    stages = sets("s", "X"), loop("each", "a", "b"), note("a", text=READ), note("b")

    assert reached(*stages, configs={"s"}) == ["s", "each", "a"]


def test_a_body_stage_is_reached_by_a_setter_that_only_its_neighbour_waits_for():
    stages = (
        loop("each", "a", "b"),
        note("a", text=READ),
        note("b", "between"),
        note("between", "s"),
        sets("s", "X"),
    )

    assert reached(*stages, configs={"s"}) == ["each", "a", "b", "between", "s"]


def test_a_given_output_in_a_body_reaches_its_owners():
    stages = loop("each", "inner"), loop("inner", "a"), note("a"), note("u", "each")

    assert reached(*stages, outputs={"a"}) == ["each", "inner", "u"]


def test_a_reader_before_its_setter_is_reached_through_earlier_iterations():
    stages = loop("each", "r", "s"), note("r", text=READ), sets("s", "X", value="{{ input.x }}")

    assert reached(*stages, input={"x"}) == ["each", "r", "s"]


def test_a_reader_before_its_setter_is_not_reached_where_nothing_repeats():
    stages = note("r", text=READ), sets("s", "X", value="{{ input.x }}")

    assert reached(*stages, input={"x"}) == ["s"]


def test_a_reader_of_earlier_iterations_is_reached_by_a_setter_inside_of_another_owner():
    stages = (
        loop("each", "r", "inner"),
        note("r", text=READ),
        loop("inner", "s", items="{{ input.x }}"),
        sets("s", "X", value="{{ item }}"),
    )

    # The setter tells the value before its own, which the iteration before left behind.
    assert reached(*stages, input={"x"}) == ["each", "r", "inner", "s"]


def test_a_reader_of_earlier_iterations_is_reached_by_what_decides_which_there_are():
    each = stage("each", "foreach", items=[1], loop_stages=["r", "s"], filter_expression="input.x")

    assert reached(each, note("r", text=READ), sets("s", "X"), input={"x"}) == ["each", "r", "s"]


ATTEMPT = stage("t", "attempt", first=["a", "b"], rescue=["c", "d"], last=["e", "f"])


def attempt(**texts):
    """An owner of three bodies with two stages each; `a` reads the input."""
    made = [note(id, text=texts.get(id)) for id in "abcdef"]
    made[0] = sets("a", "X", value="{{ input.x }}")
    return reached(ATTEMPT, *made, input={"x"})


def test_the_bodies_of_an_owner_do_not_reach_each_other():
    assert attempt() == ["t", "a"]


def test_who_reads_the_error_is_reached_by_the_bodies_before():
    assert attempt(c="{{ error.type }}", e="{{ error }}") == ["t", "a", "c", "e"]


def test_who_reads_a_variable_of_a_body_before_is_reached():
    assert attempt(d=READ, f=READ) == ["t", "a", "d", "f"]


def test_a_variable_that_catch_sets_is_reached_by_whether_catch_runs():
    stages = note("a", text="{{ input.x }}"), note("b"), sets("c", "X"), note("d"), note("e")

    assert reached(ATTEMPT, *stages, note("f", text=READ), input={"x"}) == ["t", "a", "f"]


def test_a_loop_inside_of_catch_hands_the_error_inwards():
    owner = stage("t", "attempt", first=["a"], rescue=["each"])
    stages = owner, note("a"), loop("each", "b"), note("b", text="{{ error.type }}")

    assert reached(*stages, configs={"a"}) == ["t", "a", "each", "b"]


def test_stages_that_are_not_finished_execute_with_all_of_their_owners():
    stages = note("a"), note("b", "a"), loop("each", "c", needs=("b",)), note("c")

    assert reached(*stages, unfinished=("b", "each", "c")) == ["b", "each", "c"]


def test_finished_stages_of_an_unfinished_owner_are_left_to_be_taken_over():
    stages = loop("each", "a", "b"), note("a"), note("b", "a")

    assert reached(*stages, unfinished=("each", "b")) == ["each", "b"]


def test_what_a_finished_owner_did_not_come_to_is_no_reason_to_execute_it():
    stages = loop("each", "inner"), loop("inner", "a"), note("a"), note("u", "each")

    assert reached(*stages, unfinished=("inner", "a")) == []


def test_unfinished_stages_do_not_reach_what_finished_in_earlier_iterations():
    stages = loop("each", "r", "s"), note("r", text=READ), sets("s", "X")

    assert reached(*stages, unfinished=("each", "s")) == ["each", "s"]


def changed(old, new, configs):
    """What a change from one list of stages to another reaches."""
    before, after = plan(*old), plan(*new)
    found = reach(after, set(after.stages), configs=configs, before=before)
    return [id for id in after.stages if id in found]


def test_what_a_changed_gate_no_longer_names_is_reached():
    targets = note("a"), note("b"), note("c", "a")

    gates = [stage("g", "gate", to=ids) for ids in (["a"], ["b"])]

    assert changed([gates[0], *targets], [gates[1], *targets], {"g"}) == ["g", "a", "b", "c"]


def test_what_read_a_variable_that_is_no_longer_set_is_reached():
    readers = note("r", text=READ), note("q", text="{{ vars.Y | default(0) }}"), note("z")

    assert changed([sets("s", "X"), *readers], [sets("s", "Y"), *readers], {"s"}) == ["s", "r", "q"]


def test_what_moves_into_another_body_is_reached_with_what_lies_below():
    rest = loop("inner", "a"), note("a"), note("b")

    found = changed([loop("each", "b"), *rest], [loop("each", "b", "inner"), *rest], {"each"})

    assert found == ["each", "inner", "a"]


def test_equal_values_are_no_change():
    old = {"a": 1, "b": {"k": [1, None]}, "c": True, "d": 2}

    assert changed_members(old, {**old, "b": {"k": [1, None]}}) == set()
    assert changed_members(old, {**old, "a": 1.0, "c": 1, "e": None}) == {"a", "c", "e"}


def test_finished_setters_hand_on_a_changed_variable():
    made = plan(
        sets("s", "X"),
        sets("t", "Y"),
        sets("more", "X", value="{{ vars.X + 1 }}"),
        sets("late", "X"),
        loop("each", "inside"),
        sets("inside", "X"),
        loop("done", "within"),
        sets("within", "X"),
    )

    given = given_variables(made, set(made.stages) - {"late", "each"}, {"X": 5})

    five = {"name": "X", "value": 5, "previous_value": 5, "was_set": True}
    assert given == {"s": five, "within": five}


def test_reach_in_a_thousand_stages_is_found_at_once():
    made = plan(
        *(sets(f"s{i}", f"v{i % 7}") for i in range(200)),
        note("n0"),
        *(
            note(f"n{i}", f"n{i - 1}", text=f"{{{{ vars.v{i % 9} | default(0) }}}}")
            for i in range(1, 800)
        ),
    )
    began = time.process_time()

    found = reach(made, set(made.stages), outputs={"n400"})

    assert found == {f"n{i}" for i in range(401, 800)}
    assert time.process_time() - began < 0.5  # 4 ms on an idle machine
