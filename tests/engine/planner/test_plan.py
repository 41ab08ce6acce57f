"""Plans: bodies, dependencies within them, data flow by variables, order."""

import time

import pytest

from app.engine.document import read_document
from app.engine.planner import ROOT, plan_document, plan_view
from tests.engine.pieces import REGISTRY, document, loop, needs, note, plan, sets, stage


def test_dependencies_come_from_depends_on_config_and_when():
    found = needs(
        note("a"),
        note("b"),
        note("c"),
        note("d", "c", text=["{{ upstream.a }}"], when="upstream.b.ok"),
    )

    assert found["d"] == ("a", "b", "c")


def test_an_expression_field_adds_dependencies():
    assert needs(note("a"), stage("b", "note", test="{{ upstream.a.x }}"))["b"] == ("a",)


@pytest.mark.parametrize("text", ["input.x", '{{ input.x == "{{" }}', '"{{" + input.x'])
def test_an_expression_field_resolves_to_its_own_text(text):
    made = plan(stage("a", "note", test=text))

    assert made.stages["a"].config.resolve(None) == {"test": text}


def test_the_braces_around_an_expression_field_are_dropped():
    made = plan(stage("a", "note", test="{{ input.x }}"))

    assert made.stages["a"].config.resolve(None) == {"test": " input.x "}


def test_order_is_topological_with_ties_by_place():
    made = plan(note("late", "z"), note("b"), note("a"), note("z"))

    assert made.order == ("b", "a", "z", "late")


def test_what_an_owner_runs_is_ordered_before_what_needs_the_owner():
    made = plan(note("after", "each"), note("body"), loop("each", "body"))

    assert made.order == ("each", "body", "after")


def test_terminal_stages_are_the_unneeded_ones_outside_of_bodies():
    made = plan(note("a"), note("b", "a"), loop("each", "body"), note("body"), note("c"))

    assert made.terminal == ("b", "each", "c")


def test_the_root_body_holds_what_nobody_owns():
    made = plan(note("a"), loop("each", "body"), note("body"))

    assert made.bodies[ROOT].stages == ("a", "each")
    assert made.bodies[ROOT].owner is None


def test_a_body_tells_document_order_and_listed_order():
    made = plan(loop("each", "y", "x"), note("x"), note("y"))

    body = made.bodies["each", "loop_stages"]
    assert (body.stages, body.listed) == (("x", "y"), ("y", "x"))
    assert (body.owner, body.name, body.loop) == ("each", "loop_stages", True)
    assert made.stages["x"].body == ("each", "loop_stages")


def test_an_owner_with_nothing_to_run_has_an_empty_body():
    assert plan(loop("each")).bodies["each", "loop_stages"].stages == ()


def test_each_field_of_an_owner_is_a_body_with_its_rules():
    made = plan(stage("t", "attempt", first=["a"], rescue=["b"]), note("a"), note("b"))

    first, rescue = made.bodies["t", "first"], made.bodies["t", "rescue"]
    assert (first.stages, first.repeatable, first.error) == (("a",), True, False)
    assert (rescue.stages, rescue.repeatable, rescue.error) == (("b",), False, True)
    assert made.bodies["t", "last"].stages == ()


def test_a_body_may_be_named_by_one_id():
    made = plan(stage("t", "single", task="a"), note("a"))

    assert made.bodies["t", "task"].listed == ("a",)


def test_each_element_of_a_list_of_bodies_is_a_body():
    made = plan(stage("p", "several", tasks=["a", ["b", "c"]]), note("a"), note("b"), note("c"))

    assert made.bodies["p", "tasks.0"].stages == ("a",)
    assert made.bodies["p", "tasks.1"].stages == ("b", "c")


def test_what_a_body_needs_from_outside_is_needed_by_the_owner():
    found = needs(note("a"), loop("each", "x"), note("x", "a"))

    assert found == {"a": (), "each": ("a",), "x": ()}


def test_needs_rise_to_the_level_of_what_is_needed():
    found = needs(
        note("top"),
        loop("outer", "middle", "inner"),
        note("middle"),
        loop("inner", "leaf"),
        note("leaf", "middle", "top"),
    )

    assert found == {
        "top": (),
        "outer": ("top",),
        "middle": (),
        "inner": ("middle",),
        "leaf": (),
    }


def test_users_are_the_stages_that_need_it():
    made = plan(note("a"), note("b", "a"), note("c", "a"))

    assert made.stages["a"].users == ("b", "c")


def test_a_gate_is_needed_by_its_targets_and_does_not_spread():
    made = plan(stage("g", "gate", to=["b"]), note("a"), note("b", "a"))

    assert made.stages["b"].needs == ("g", "a")
    assert made.stages["b"].spreading == {"a"}


def test_a_gate_that_is_referred_to_does_not_spread_either():
    made = plan(stage("g", "gate", routes={"x": ["b"]}), note("b", text="{{ upstream.g.taken }}"))

    assert (made.stages["b"].needs, made.stages["b"].spreading) == (("g",), frozenset())


def test_a_gate_may_name_its_targets_in_members_at_any_depth():
    case = {"value": "{{ upstream.w }}", "route": "b", "else": {"routes": ["c", "d"]}}
    made = plan(
        stage("g", "cases", cases=[case, {"value": 2, "route": "e"}], first=case),
        *map(note, "wbcdef"),
    )

    assert {name: made.stages[name].gates for name in "bcdef"} == {
        **dict.fromkeys("bcde", {"g"}),
        "f": frozenset(),
    }
    assert (made.stages["g"].needs, made.stages["b"].needs) == (("w",), ("g",))


def test_other_members_of_a_gate_name_no_targets():
    made = plan(stage("g", "cases", cases=[{"value": "b", "route": "c"}]), note("b"), note("c"))

    assert made.stages["b"].gates == frozenset()


def test_a_dependency_by_variables_alone_does_not_spread():
    made = plan(sets("s", "X"), note("a"), note("b", "a", text="{{ vars.X }}"))

    assert made.stages["b"].needs == ("s", "a")
    assert made.stages["b"].spreading == {"a"}


def test_the_view_names_order_dependencies_and_owners():
    made = plan(note("a"), loop("each", "x"), note("x", "a"))

    assert plan_view(made) == {
        "order": ["a", "each", "x"],
        "dependencies": {"a": [], "each": ["a"], "x": []},
        "owners": {"x": "each"},
    }


def test_a_chain_of_two_thousand_stages_is_planned_at_once():
    stages = [note("s0")] + [
        note(f"s{i}", f"s{i - 1}", text=f"{{{{ upstream.s{i // 2}.x }}}}") for i in range(1, 2000)
    ]
    read = read_document(document(*stages))
    began = time.process_time()

    made = plan_document(read, REGISTRY)

    assert made.order == tuple(f"s{i}" for i in range(2000))
    assert time.process_time() - began < 1  # 0.3 s on an idle machine
