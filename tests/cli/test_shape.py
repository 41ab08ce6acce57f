"""What the document of a run's pipeline tells of its loops before they run."""

from __future__ import annotations

import pytest

from app.cli.client import Client
from app.cli.runs.shape import Shape, shape_of


def loop(items, **config):
    """A foreach over these items."""
    return {"id": "each", "component_type": "foreach", "config": {"items": items, **config}}


@pytest.mark.parametrize(
    ("stage", "times"),
    [
        (loop([1, "{{ upstream.a }}", 3]), {"each": 3}),
        (loop("{{ input.names }}"), {"each": 2}),
        (loop("{{ input.names | length }}"), {}),
        (loop("{{ input.absent }}"), {}),
        (loop("{{ upstream.a.result }}"), {}),
        (loop("{{ vars.names }}"), {}),
        (loop("{{ what a later version says"), {}),
        (loop([1, 2], filter_expression="item > 1"), {}),
        ({"id": "a", "component_type": "note", "config": {}}, {}),
    ],
)
def test_times_of_a_loop_are_known_where_the_input_tells_them(scripted, stage, times):
    scripted.document = [stage]

    assert shape_of(Client(scripted.url), scripted.run()) == Shape({}, times)


def test_loop_inside_of_another_stage_is_not_foretold(scripted):
    scripted.document, scripted.owners = [loop([1, 2])], {"each": "outer"}

    assert shape_of(Client(scripted.url), scripted.run()) == Shape({"each": "outer"}, {})


def test_who_may_not_read_pipelines_sees_a_flat_run(scripted):
    run = scripted.run()
    scripted.refuse_with = (403, {"code": "forbidden", "detail": "The scope is missing."})

    assert shape_of(Client(scripted.url), run) == Shape()
