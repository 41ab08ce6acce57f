"""Validation of whatever strangers send: it answers, and what it accepts can be planned."""

from hypothesis import given

from app.core.errors import Problem
from app.engine.component import Registry
from app.engine.document import normalize, read_document
from app.engine.planner import plan_document
from app.engine.validation import validate_document
from tests.engine.coordinator import parts
from tests.engine.pieces import REGISTRY
from tests.engine.reference.profile import examples
from tests.engine.reference.writing.documents import documents
from tests.engine.reference.writing.themes import THEMES
from tests.engine.validation.mutations import VALUES, mutated

EVERYTHING = Registry({part.type: part for part in (*REGISTRY, *parts.registry())})

QUICK = examples(300)


@QUICK
@given(mutated() | mutated(documents(THEMES["everything"])))
def test_a_mutated_document_is_answered_and_planned_when_accepted(raw):
    found = validate_document(raw, EVERYTHING)

    assert all(isinstance(problem, Problem) for problem in found)
    if not found:
        normal = normalize(raw)
        made = plan_document(read_document(normal), EVERYTHING)
        assert sorted(made.order) == sorted(stage["id"] for stage in normal["stages"])
        assert validate_document(normal, EVERYTHING) == []


@QUICK
@given(VALUES)
def test_any_json_is_answered(raw):
    assert validate_document(raw, REGISTRY)


def test_a_document_of_broken_stages_is_answered():
    raw = {"name": "Test", "stages": [None, 5, [], {}, {"id": None}] * 400}

    assert len(validate_document(raw, REGISTRY)) > 2000
