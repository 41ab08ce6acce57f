"""What every built-in component must declare. To a new one, this tells what is still missing."""

from __future__ import annotations

import re

import pytest

from app.components import built_in
from app.engine.about import Category
from app.engine.coercion import build_inputs
from app.engine.component import Effect
from app.engine.context import StageContext
from app.engine.coordinator.evaluating import Evaluator
from app.engine.coordinator.names import FrozenNames
from app.engine.validation.config import config_problems
from tests.engine.declared import assert_declared

ALL = list(built_in())
EXAMPLES = [(component, example) for component in ALL for example in component.about.examples]
PURE = [(component, example) for component, example in EXAMPLES if component.effect is Effect.PURE]

of_each = pytest.mark.parametrize("component", ALL, ids=[component.type for component in ALL])


def with_example(chosen):
    """A case for each of these components with its example."""
    ids = [component.type for component, _ in chosen]
    return pytest.mark.parametrize(("component", "example"), chosen, ids=ids)


@of_each
def test_component_says_what_it_is(component):
    about = component.about

    assert about.name and about.tags
    assert re.fullmatch(r"[A-Z].*\.", about.description)
    assert about.category in set(Category)


@of_each
def test_component_can_be_drawn(component):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", component.about.icon)
    assert re.fullmatch(r"#[0-9a-f]{6}", component.about.color)


@of_each
def test_component_declares_what_it_gives(component):
    assert component.outputs


@of_each
def test_component_has_an_example(component):
    assert component.about.examples


@with_example(EXAMPLES)
def test_example_config_is_right(component, example):
    assert list(config_problems(component, example.config)) == []


@with_example(EXAMPLES)
def test_example_output_is_as_declared(component, example):
    assert_declared(component, example.output)


@with_example(PURE)
def test_example_of_a_pure_component_gives_its_output(component, example):
    evaluate = Evaluator(FrozenNames({}, {}))
    context = StageContext(run_id="run", stage_id="stage", attempt=1, evaluate=evaluate)
    inputs = build_inputs(component.fields, example.config)

    assert component.run(context, inputs) == example.output
