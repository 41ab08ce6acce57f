"""Inheritance of whatever strangers send: it answers, and what it accepts can be judged."""

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Problem
from app.engine.inheritance import Found, Source, resolve
from app.engine.validation import validate_document
from tests.engine.inheritance.family import base, child
from tests.engine.pieces import GOOD, REGISTRY
from tests.engine.reference.profile import examples
from tests.engine.validation.mutations import LEAVES, VALUES, containers

QUICK = examples(300)

NAMES = st.sampled_from(
    ["extends", "overrides", "abstract", "$schema", "stages", "tags", "name", "version", "id"]
    + ["type", "config", "input_mapping", "retry", "retry_config", "llm", "fetch", "show", "a"]
)
PARTS = st.dictionaries(NAMES, VALUES, max_size=3)
CHILD = child(
    {"id": "a", "type": "note"},
    overrides={
        "fetch": {"input_mapping": {"url": "https://example.com/"}, "timeout_ms": 500},
        "c": {"retry_config": {"max_retries": 2}},
    },
    tags=["x", "y"],
)


@st.composite
def mutated(draw, raw):
    raw = copy.deepcopy(raw)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.sampled_from(containers(raw)))
        if isinstance(place, dict):
            place[draw(NAMES)] = draw(VALUES | PARTS)
        else:
            place.insert(draw(st.integers(0, len(place))), draw(VALUES | PARTS))
    return raw


def points_somewhere(found: Found) -> bool:
    """Whether the parent of what the pointer names is in the document it is told of."""
    here = found.source.raw
    for step in found.problem.pointer.split("/")[1:-1]:
        step = step.replace("~1", "/").replace("~0", "~")
        here = here[int(step)] if isinstance(here, list) else here[step]
    return isinstance(here, dict | list)


@QUICK
@given(mutated(base(*GOOD["stages"], tags=["x"])), mutated(CHILD))
def test_mutated_documents_are_resolved_and_every_problem_has_a_place(parent, young):
    before = json.dumps([parent, young])
    sources = {}
    sources["base"] = Source("base", parent, sources.get)
    sources["child"] = Source("child", young, sources.get)

    resolution = resolve(sources["child"])
    judged = list(resolution.located(validate_document(resolution.document, REGISTRY)))

    assert json.dumps([parent, young]) == before
    assert all(isinstance(found.problem, Problem) for found in resolution.problems)
    assert all(found.source in sources.values() for found in judged)
    assert all(map(points_somewhere, resolution.problems))


@QUICK
@given(LEAVES | VALUES)
def test_any_json_is_answered(raw):
    resolution = resolve(Source("odd", raw, {}.get))

    assert resolution.problems or isinstance(raw, dict)
