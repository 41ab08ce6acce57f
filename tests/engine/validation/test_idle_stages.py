"""unused-stage and unreachable-after-return: stages that do nothing, and stages that never run."""

from __future__ import annotations

import pytest

from tests.engine.pieces import loop, note, sets, stage
from tests.engine.validation.warned import ends, of


def unused(*stages, out="out"):
    return of("unused-stage", *stages, output_stage_id=out)


def unreachable(*stages):
    return of("unreachable-after-return", *stages)


def gate(name, *targets, needs=()):
    return stage(name, "gate", needs, to=list(targets))


def test_stage_without_a_path_to_the_output_is_unused():
    assert unused(note("a"), note("b"), note("c", "b"), note("out", "a")) == ["b", "c"]


def test_stage_behind_the_output_is_unused():
    assert unused(note("out"), note("late", "out")) == ["late"]


def test_without_an_output_stage_nothing_is_unused():
    assert unused(note("a"), note("b"), out=None) == []


def test_stage_needed_through_others_is_used():
    assert unused(note("a"), note("b", text="{{ upstream.a }}"), note("out", "b")) == []


def test_gate_of_a_used_stage_is_used_and_its_other_target_is_not():
    assert unused(gate("g", "out", "other"), note("out"), note("other")) == ["other"]


def test_everything_that_a_used_owner_runs_is_used():
    stages = (loop("out", "a", "in"), note("a"), loop("in", "b", items=[1]), note("b"))

    assert unused(*stages) == []


def test_everything_that_an_unused_owner_runs_is_unused():
    assert unused(note("out"), loop("each", "a"), note("a")) == ["each", "a"]


def test_what_a_body_needs_from_outside_is_used():
    stages = (note("a"), loop("out", "b"), note("b", text="{{ upstream.a }}"))

    assert unused(*stages) == []


@pytest.mark.parametrize(
    "acting",
    [
        stage("x", "http_request", ["a"], url="https://example.com"),
        stage("x", "logger", ["a"], message="hi"),
        stage("x", "elsewhere", ["a"]),
        ends("x", "a", condition="{{ input.n }}"),
    ],
    ids=lambda each: each["component_type"],
)
def test_stage_that_acts_is_used_with_all_that_it_needs(acting):
    assert unused(note("a"), acting, note("out")) == []


def test_owner_of_a_stage_that_acts_is_used():
    stages = (note("out"), loop("each", "say"), stage("say", "logger", message="{{ item }}"))

    assert unused(*stages) == []


def test_variable_is_used_when_something_used_reads_it():
    stages = (sets("a", "x"), sets("b", "y"), note("out", text="{{ vars.x }}"))

    assert unused(*stages) == ["b"]


@pytest.mark.parametrize("config", [{}, {"condition": True}, {"condition": None}])
def test_stages_behind_an_unconditional_return_never_run(config):
    stages = (note("a"), ends("r", "a", **config), note("b", "r"), note("c", "b"), note("d", "a"))

    assert unreachable(*stages) == ["b", "c"]


def test_join_behind_a_return_never_runs():
    assert unreachable(note("a"), ends("r"), note("join", "a", "r")) == ["join"]


@pytest.mark.parametrize(
    "maybe",
    [
        ends("r", condition="{{ input.n }}"),
        ends("r", condition=False),
        ends("r", condition_expression="input.n > 1"),
        ends("r", return_value="{{ input.n }}") | {"on_error": "continue"},
    ],
    ids=["template", "false", "expression", "on_error"],
)
def test_stages_behind_a_return_that_may_go_on_can_run(maybe):
    assert unreachable(maybe, note("b", "r")) == []


def test_stage_that_depends_on_a_skipped_return_alone_never_runs():
    # It runs, and the run ends; it is skipped, and so is what depends on nothing else.
    assert unreachable(ends("r") | {"when": "input.n"}, note("b", "r")) == ["b"]


@pytest.mark.parametrize(
    "stages",
    [
        (note("a"), ends("r") | {"when": "input.n"}, note("join", "a", "r")),
        (gate("g", "r", "a"), ends("r"), note("a"), note("join", "a", "r")),
        (note("w", when="input.n"), ends("r", "w"), note("a"), note("join", "a", "r")),
    ],
    ids=["when", "gate", "skipped with what it needs"],
)
def test_join_runs_when_the_return_beside_a_living_stage_was_skipped(stages):
    assert unreachable(*stages) == []


def test_return_in_a_body_stops_what_follows_it_there():
    stages = (loop("each", "r", "b"), ends("r"), note("b", "r"), note("c", "each"))

    # The list may be empty, so what follows the loop can run.
    assert unreachable(*stages) == ["b"]


def test_everything_that_an_unreachable_owner_runs_is_unreachable():
    stages = (ends("r"), loop("each", "b", needs=["r"]), note("b"))

    assert unreachable(*stages) == ["each", "b"]
