"""What a finished run tells of any moment is what the coordinator had at that moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given

from app.core.states import StageStatus
from app.engine.coordinator.hindsight import Moment, in_a_body, outside_bodies
from app.engine.instance import Instance
from app.engine.planner import ROOT
from app.engine.validation import validate_document
from tests.engine.coordinator.parts import registry
from tests.engine.coordinator.watched import Watched, shown
from tests.engine.coordinator.world import ENDS, World, plan_of, stage
from tests.engine.reference.profile import THOROUGH, examples
from tests.engine.reference.writing.documents import documents
from tests.engine.reference.writing.themes import INPUT, THEMES

each_theme = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
patient = pytest.mark.timeout(7200 if THOROUGH else 60)


def watched(world: World) -> Watched:
    """A coordinator that ran to its end in this world."""
    coordinator = Watched(world.plan, world.run_facts(), world, world.new_id)
    world.drive(coordinator)
    return coordinator


def moments(world: World) -> Iterator[tuple[str, Moment]]:
    """Each stage run that ended, and the moment behind it as the rows tell it."""
    writes = {r.instance.id: r.writes or {} for r in world.records if r.event in ENDS}
    rows = {id: world._instance(id) for id in world.rows}
    for place, id in enumerate(world.ended):
        known = world.ended[: place + 1]
        ended = [world._instance(one) for one in known]
        if world.plan.stages[rows[id].key.stage_id].body == ROOT:
            outside = [one for one in ended if world.plan.stages[one.key.stage_id].body == ROOT]
            wrote = {one.key.stage_id: writes[one.id] for one in outside}
            yield id, outside_bodies(world.plan, world.run_facts(), outside, wrote)
        else:
            begun = [row for row in begun_by(world, ended[-1]) if row.id not in known]
            moment = in_a_body(world.plan, world.run_facts(), world, ended, begun)
            assert moment is not None, rows[id]
            yield id, moment


def begun_by(world: World, last: Instance) -> Iterator[Instance]:
    for id in world.rows:
        row = world._instance(id)
        if row.started_at is not None and row.started_at <= last.completed_at:
            row.status, row.error, row.completed_at = StageStatus.RUNNING, None, None
            yield row


def differences(world: World, run: Watched) -> list[str]:
    """Where hindsight is wrong."""
    wrong = []
    for id, moment in moments(world):
        openings, variables = run.seen[id]
        key = world.rows[id]["key"]
        if [shown(opening) for opening in moment.openings] != openings:
            wrong.append(f"{key}: openings {moment.openings} not {openings}")
        if dict(moment.variables) != variables:
            wrong.append(f"{key}: variables {moment.variables} not {variables}")
        known = run.inputs.get(key)
        if world.rows[id]["status"] is StageStatus.COMPLETED and moment.input(world) != known:
            wrong.append(f"{key}: input {moment.input(world)} not {known}")
    return wrong


@patient
@each_theme
def test_hindsight_is_what_the_coordinator_had(theme):
    @examples(60)
    @given(documents(theme))
    def check(document):
        assume(not validate_document(document, registry()))
        rest = {name: value for name, value in document.items() if name not in ("name", "stages")}
        world = World(plan_of(*document["stages"], **rest), INPUT)

        run = watched(world)

        assert differences(world, run) == []

    check()


def test_writes_of_an_owner_that_break_ended_are_seen_by_the_rest_of_the_iteration():
    world = World(
        plan_of(
            stage("each", "foreach", items=[1], loop_stages=["tc", "rest"]),
            stage("tc", "trycatch", try_stages=["set", "out"]),
            stage("set", "variable_set", name="v", value="{{ item }}"),
            stage("out", "break_loop", ("set",), condition=True),
            stage("rest", "give", ("tc",), value="{{ vars.v }}"),
        )
    )

    run = watched(world)

    behind = {world.rows[id]["key"].stage_id: moment.variables for id, moment in moments(world)}
    assert behind["rest"] == behind["each"] == {"v": 1}
    assert differences(world, run) == []


def test_owner_on_its_way_is_no_part_of_what_its_stages_saw():
    world = World(
        plan_of(
            stage("each", "foreach", items=[1, 2], loop_stages=["in"], parallel=True),
            stage("in", "variable_set", name="v", value="{{ item }}"),
            stage("beside", "variable_set", name="w", value=0),
        )
    )

    run = watched(world)

    assert differences(world, run) == []
    first = next(moment for id, moment in moments(world) if world.rows[id]["key"].path == (0,))
    assert "each" not in first.openings[-1]
