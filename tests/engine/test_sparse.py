"""A document without what says nothing: short to read, and the same document."""

import json

import pytest

from app.engine.document import normalize
from app.engine.sparse import sparse
from tests.engine.pieces import GOOD, document, note


def short(*stages, **members):
    return sparse(normalize(document(*stages, **members)))


def test_what_says_nothing_is_left_out():
    assert short({"id": "a", "type": "note"}) == {
        "name": "Test",
        "stages": [{"id": "a", "component_type": "note"}],
    }


def test_members_come_in_the_order_of_the_contract():
    found = short(
        {"config": {"text": 1}, "name": "A", "type": "note", "id": "a"}, tags=["t"], version="1.0.0"
    )

    assert list(found) == ["name", "version", "stages", "tags"]
    assert list(found["stages"][0]) == ["id", "component_type", "name", "config"]


def test_what_no_document_has_is_left_out():
    assert sparse({**normalize(document()), "id": "pl-1", "status": "draft"}) == {"name": "Test"}


def test_parts_of_retry_and_llm_that_say_something_stay():
    stage = short(note("a", retry={"jitter": False}, llm={"model": "m", "stop": []}))["stages"][0]

    assert stage["retry"] == {"jitter": False}
    assert stage["llm"] == {"model": "m", "stop": []}


def test_number_written_otherwise_stays():
    stage = short(note("a", retry={"multiplier": 2.0}))["stages"][0]

    assert stage["retry"] == {"multiplier": 2.0}


@pytest.mark.parametrize(
    "raw",
    [
        GOOD,
        document(note("a", llm={}), note("b", llm={"stop": None})),
        document(note("a", retry={"multiplier": 2.0, "max_delay_ms": 0}), sample_input=0),
        document(note("a", depends_on=["a", "a"], position={"x": 1.0, "y": 0})),
        document(category="c", description="x", metadata={"a": None}, sample_input=False),
    ],
)
def test_whole_document_comes_back(raw):
    whole = normalize(raw)

    assert json.dumps(normalize(sparse(whole))) == json.dumps(whole)
