"""Stages that the built-in components name: they must exist, and stand where they may."""

from __future__ import annotations

import pytest

from tests.engine.pieces import document, loop, note, problems, stage

GATES = {
    "conditional": ({"condition": 1, "false_branch_stages": ["{}"]}, "false_branch_stages/0"),
    "router": ({"value": 1, "routes": {"a/b": ["{}"]}}, "routes/a~1b/0"),
    "router by default": ({"value": 1, "routes": {}, "default_route": ["{}"]}, "default_route/0"),
    "switch_router": ({"data": 1, "cases": [{"value": 1, "route": "{}"}]}, "cases/0/route"),
    "switch_router by default": ({"data": 1, "cases": [], "default_route": "{}"}, "default_route"),
}
OWNERS = {
    "foreach": ({"items": [], "loop_stages": ["{}"]}, "loop_stages/0"),
    "trycatch": ({"try_stages": [], "finally_stages": ["{}"]}, "finally_stages/0"),
    "retry": ({"task": "{}"}, "task"),
    "retry of several": ({"task": ["{}"]}, "task/0"),
    "timeout": ({"task": "other", "timeout": 1, "fallback_task": "{}"}, "fallback_task"),
    "parallel": ({"tasks": [["{}"]]}, "tasks/0/0"),
}
gates = pytest.mark.parametrize("kind", GATES)
both = pytest.mark.parametrize("kind", [*GATES, *OWNERS])


def naming(kind, target, needs=()):
    """A stage `s` of this kind that names a target, and the place of the name."""
    config, below = {**GATES, **OWNERS}[kind]
    return stage("s", kind.split()[0], needs, **_filled(config, target)), f"config/{below}"


def _filled(value, target):
    if isinstance(value, dict):
        return {name: _filled(item, target) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, target) for item in value]
    return target if value == "{}" else value


@both
def test_a_target_that_is_there_is_no_problem(kind):
    named, _ = naming(kind, "a")

    assert problems(document(named, note("a"), note("other"))) == []


@both
def test_a_target_that_is_not_there_is_unknown(kind):
    named, place = naming(kind, "nope")

    assert problems(document(named, note("other"))) == [(f"/stages/0/{place}", "unknown-target")]


@both
def test_a_target_is_a_constant(kind):
    named, place = naming(kind, "{{ input.stage }}")

    assert problems(document(named, note("other"))) == [(f"/stages/0/{place}", "wrong-config-type")]


@gates
def test_a_gate_cannot_name_a_stage_inside_of_a_body(kind):
    named, place = naming(kind, "inside")

    assert problems(document(named, loop("each", "inside", items=[]), note("inside"))) == [
        (f"/stages/0/{place}", "crosses-body")
    ]


@gates
def test_a_gate_in_a_body_cannot_name_a_stage_outside_of_it(kind):
    named, place = naming(kind, "outside")

    assert problems(document(loop("each", "s", items=[]), named, note("outside"))) == [
        (f"/stages/1/{place}", "crosses-body")
    ]


@gates
def test_a_gate_may_name_its_neighbours_in_a_body(kind):
    named, _ = naming(kind, "a")

    assert problems(document(loop("each", "s", "a", items=[]), named, note("a"))) == []


@gates
def test_a_gate_that_waits_for_its_target_is_a_cycle(kind):
    named, _ = naming(kind, "a", ("a",))

    assert problems(document(named, note("a"))) == [("/stages/0/depends_on", "cycle")]


AROUND = {
    "retry": {"task": "leave"},
    "trycatch": {"try_stages": ["leave"]},
    "parallel": {"tasks": ["leave"]},
    "timeout": {"task": "leave", "timeout": 1},
}


@pytest.mark.parametrize("kind", ["break_loop", "continue_loop"])
def test_leaving_a_loop_needs_a_loop_around(kind):
    leave = stage("leave", kind, condition=True)

    assert problems(document(leave)) == [("/stages/0/component_type", "not-in-loop")]
    assert problems(document(leave, loop("each", "leave", items=[]))) == []


@pytest.mark.parametrize("kind", ["break_loop", "continue_loop"])
@pytest.mark.parametrize("around", AROUND)
def test_another_owner_around_is_no_loop_but_may_stand_in_one(kind, around):
    stages = stage("leave", kind, condition=True), stage("own", around, **AROUND[around])

    assert problems(document(*stages)) == [("/stages/0/component_type", "not-in-loop")]
    assert problems(document(*stages, loop("each", "own", items=[]))) == []


def test_error_is_known_in_catch_and_finally_of_trycatch_and_in_no_other_body():
    told = "{{ error.type }}"
    raw = document(
        stage("t", "trycatch", try_stages=["a"], catch_stages=["b"], finally_stages=["c"]),
        *(note(name, text=told) for name in "abc"),
        stage("l", "timeout", task="d", fallback_task="e", timeout=1),
        *(note(name, text=told) for name in "de"),
    )

    assert problems(raw) == [(f"/stages/{i}/config/text", "error-outside-catch") for i in (1, 5, 6)]
