"""Expressions that components evaluate: the names they see, in the coordinator and in the pool."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.engine.component import Component, Effect, Field, Kind
from app.engine.coordinator.evaluating import MAX_STEPS_TOGETHER, Allowance, Evaluator
from app.engine.coordinator.names import FrozenNames
from app.engine.document import read_document
from app.engine.instance import Failed
from app.engine.planner import plan_document
from tests.engine.coordinator.parts import registry
from tests.engine.coordinator.world import World, stage


class Ask(Component):
    """Gives the value of its expression, with a root of its own."""

    type = "ask"
    inline = True
    fields = {
        "test": Field(Kind.EXPRESSION, roots=frozenset({"value", "item"})),
        "value": Field(Kind.ANY),
    }

    def run(self, context, inputs):
        roots = {} if inputs.value is None else {"value": inputs.value, "item": inputs.value}
        return {"value": context.evaluate(inputs.test, roots)}


class AskElsewhere(Ask):
    """The same, as a call."""

    type = "ask_elsewhere"
    inline = False
    effect = Effect.EFFECTFUL


def world_of(*stages, **facts):
    known = registry()
    known.add(Ask())
    known.add(AskElsewhere())
    raw = {"name": "p", "stages": list(stages)}
    return World(plan_document(read_document(raw), known), {"n": 5}, facts)


def answer_of(test, **config):
    """What an inline component gets for its expression, behind a stage and a variable."""
    world = world_of(
        stage("a", value="up"),
        stage("v", "variable_set", name="v", value="var"),
        stage("q", "ask", test=test, **config),
        env={"E": "env"},
    )
    world.run()
    return world.output("q")["value"]


def call_of(*stages, **facts):
    """The first call of a run, and its world."""
    world = world_of(*stages, **facts)
    coordinator = world.fresh()
    calls, _ = coordinator.turn()
    return calls[0], world


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("input.n", 5),
        ("upstream.a.value", "up"),
        ("vars.v", "var"),
        ("env.E", "env"),
        ("context.stage_id", "q"),
        ("{{ context.attempt }}", 1),
        ("[value, item, input.n]", ["own", "own", 5]),
        ("vars.nope | default('none')", "none"),
    ],
)
def test_an_inline_component_sees_all_that_its_stage_sees_and_roots_of_its_own(test, value):
    assert answer_of(test, value="own") == value


def test_roots_of_the_component_hide_those_of_a_loop_only_where_it_gives_them():
    world = world_of(
        stage("each", "foreach", items=["outer"], loop_stages=["own", "loop"]),
        stage("own", "ask", test="[item, context.item]", value="mine"),
        stage("loop", "ask", test="[item, index]"),
    )
    world.run()

    assert world.output("own", 0)["value"] == ["mine", "outer"]
    assert world.output("loop", 0)["value"] == ["outer", 0]


def test_a_failing_expression_of_a_component_fails_its_stage_by_name():
    world = world_of(stage("q", "ask", test="input.nope"))
    outcome = world.run()

    assert isinstance(outcome, Failed)
    assert outcome.error.type == "EXPRESSION"
    assert "'q'" in outcome.error.message and "input.nope" in outcome.error.message


def test_a_call_sees_what_its_stage_saw_when_it_began():
    call, world = call_of(
        stage("a", value="up"),
        stage("v", "variable_set", name="v", value="var", after=("a",)),
        stage("q", "ask_elsewhere", test="[upstream.a.value, vars.v, value, input.n]"),
    )
    world.plan = world.facts = world.input = None  # nothing of the run is needed any more

    assert call.evaluate("[upstream.a.value, vars.v, value, input.n]", {"value": 1}) == [
        "up", "var", 1, 5,
    ]  # fmt: skip


def test_a_call_has_loaded_what_its_expression_looks_at():
    stages = [stage("a", value="up"), stage("q", "ask_elsewhere", test="upstream.a.value")]
    world = world_of(*stages)
    world.drive(world.fresh(), stop_after=2)
    calls, _ = world.rebuilt().turn()
    loads = list(world.loads)

    assert calls[0].evaluate("upstream.a.value", {}) == "up"
    assert world.loads == loads == [world.row("a")["id"]]


def test_a_name_that_a_call_lacks_is_missing_there_too():
    call, _ = call_of(stage("q", "ask_elsewhere", test="vars.nope | default(error) | default(7)"))

    assert call.evaluate("vars.nope | default(error) | default(7)", {}) == 7


def test_a_text_that_is_no_expression_is_an_error_of_the_stage():
    call, _ = call_of(stage("q", "ask_elsewhere", test="1"))

    with pytest.raises(StageError) as refused:
        call.evaluate("1 +", {})

    assert refused.value.type == "EXPRESSION"


def test_all_evaluations_of_an_owner_are_bounded_together():
    world = world_of(
        stage("each", "foreach", items=list(range(10_000)), loop_stages=[],
              filter_expression="length(range(9000) | unique) > item"),
    )  # fmt: skip
    outcome = world.run()

    assert outcome.error.type == "EXPRESSION"
    assert "together" in outcome.error.message


def test_what_a_failing_evaluation_took_counts_as_well():
    allowance = Allowance()
    evaluate = Evaluator(FrozenNames({}, {}), allowance)

    with pytest.raises(StageError, match="no element"):
        evaluate("range(9000)[9000]", {})

    with pytest.raises(StageError, match="together"):
        allowance.spend(MAX_STEPS_TOGETHER - 9000)
