"""Random documents: the engine does with them what the contract says, crash or no crash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.engine.document import read_document
from app.engine.instance import Completed, Failed
from app.engine.planner import Plan, plan_document, plan_view
from app.engine.validation import validate_document
from tests.engine.coordinator.parts import registry
from tests.engine.coordinator.world import World
from tests.engine.reference.facts import StageEnd
from tests.engine.reference.interpreter import Interpreter
from tests.engine.reference.judging import differences
from tests.engine.reference.language.values import Undetermined
from tests.engine.reference.layout import CyclicDocument, Layout
from tests.engine.reference.profile import THOROUGH, examples
from tests.engine.reference.writing.documents import documents
from tests.engine.reference.writing.themes import INPUT, THEMES, Theme
from tests.engine.validation.mutations import mutated

REGISTRY = registry()

each_theme = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
patient = pytest.mark.timeout(7200 if THOROUGH else 60)


def plan_of(document: dict[str, Any]) -> Plan:
    return plan_document(read_document(document), REGISTRY)


def judged(document: dict[str, Any]) -> tuple[Interpreter, StageEnd]:
    """What the reference makes of a document; others than determined ones are left out."""
    try:
        reference = Interpreter(document, INPUT)
        return reference, reference.run()
    except (CyclicDocument, Undetermined):
        assume(False)
        raise


def problems_of(document: dict[str, Any]) -> set[str]:
    return {problem.code for problem in validate_document(document, REGISTRY)}


@patient
@examples(120)
@given(documents(THEMES["everything"]) | documents(THEMES["variables"]))
def test_only_cycles_are_a_problem(document):
    try:
        Layout(document)
    except CyclicDocument:
        assert problems_of(document) == {"cycle"}
    else:
        assert problems_of(document) == set()


@patient
@examples(120)
@given(documents(THEMES["everything"]) | documents(THEMES["variables"]))
def test_plan_has_all_dependencies_and_an_order_that_keeps_them(document):
    try:
        layout = Layout(document)
    except CyclicDocument:
        assume(False)

    view = plan_view(plan_of(document))

    assert {id: set(needs) for id, needs in view["dependencies"].items()} == layout.needs
    assert view["owners"] == {id: body.owner for id, body in layout.home.items() if body.owner}
    assert view["order"] == ordered(layout)


def ordered(layout: Layout) -> list[str]:
    """Always the first stage in the document whose owner stands there, and all that it needs with
    everything inside."""
    order: list[str] = []

    def is_done(id: str) -> bool:
        return all(inner in order for inner in layout.stages if id in layout.outwards(inner))

    def may_come(id: str) -> bool:
        owner = layout.home[id].owner
        return (owner is None or owner in order) and all(map(is_done, layout.needs[id]))

    while len(order) < len(layout.stages):
        order.append(next(id for id in layout.stages if id not in order and may_come(id)))
    return order


@patient
@each_theme
def test_run_is_what_the_contract_says(theme):
    @examples(170)
    @given(documents(theme))
    def check(document):
        reference, ending = judged(document)
        world = World(plan_of(document), INPUT)

        outcome = world.run()

        assert not differences(world, outcome, reference.claims, ending)

    check()


@patient
@each_theme
def test_run_that_is_taken_up_after_a_crash_is_what_the_contract_says(theme):
    @examples(40)
    @given(documents(theme), st.integers(0, 60), st.sampled_from([0, 7, 5000]), st.booleans())
    def check(document, records, pause_ms, parks):
        reference, ending = judged(document)
        world = World(plan_of(document), INPUT)
        outcome = world.drive(world.fresh(), stop_after=records)

        if outcome is None:
            world.now += pause_ms
            outcome = finished(world, parks)

        assert not differences(world, outcome, reference.claims, ending)

    check()


def finished(world: World, parks: bool) -> Any:
    """Drives a crashed run to its end; when it parks, another worker goes on."""
    while True:
        outcome = world.drive(world.rebuilt(), park=parks)
        if not hasattr(outcome, "wake_at"):
            return outcome
        world.now = max(world.now, outcome.wake_at)


@patient
@examples(20)
@given(mutated(documents(THEMES["everything"]), most=2))
def test_whatever_is_accepted_runs_to_an_end_and_is_no_defect(document):
    assume(not validate_document(document, REGISTRY))
    world = World(plan_of(document), INPUT)

    outcome = world.run()

    assert isinstance(outcome, Completed | Failed)
    assert not [row for row in world.rows.values() if "UNKNOWN" in (row["error"] or "")]


FLAT = Theme(("give", "work", "variable_set"), failing=30, retrying=0)


@patient
@examples(100)
@given(documents(FLAT))
def test_one_at_a_time_the_first_ready_stage_in_the_document_comes_next(document):
    document["max_concurrency"] = 1
    try:
        layout = Layout(document)
    except CyclicDocument:
        assume(False)
    world = World(plan_of(document), INPUT)

    world.run()

    begun = [id for event, id, _ in world.events if event in ("stage_started", "stage_skipped")]
    failed = [id for event, id, _ in world.events if event == "stage_failed"]
    assert begun == one_by_one(layout, {id for id in failed if not goes_on(document, id)})


def goes_on(document: dict[str, Any], id: str) -> bool:
    return any(s["id"] == id and s.get("on_error") == "continue" for s in document["stages"])


def one_by_one(layout: Layout, stopping: set[str]) -> list[str]:
    """The stages of a flat document in the order of their start, until one stops the run."""
    begun: list[str] = []
    while len(begun) < len(layout.stages) and not stopping & {*begun}:
        waiting = (id for id in layout.stages if id not in begun)
        begun.append(next(id for id in waiting if layout.needs[id] <= {*begun}))
    return begun
