"""Judging documents and saved pipelines."""

from __future__ import annotations

import pytest

from app.core.errors import NotFound
from app.models.pipelines import Pipeline
from app.services.pipelines.documents import create_pipeline
from app.services.pipelines.validation import judge_document, judge_pipeline

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
DOCUMENT = {
    "name": "p",
    "input_schema": SCHEMA,
    "output_stage_id": "b",
    "stages": [
        {"id": "b", "type": "json_transform", "config": {"data": "{{ upstream.each.results }}"}},
        {"id": "each", "type": "foreach", "config": {"items": [1], "loop_stages": ["a"]}},
        {"id": "a", "type": "json_transform", "config": {"data": "{{ item }}"}},
        {"id": "spare", "type": "json_transform", "config": {"data": {"token": "t"}}},
    ],
}
WARNED = [("/stages/3", "unused-stage"), ("/stages/3/config/data/token", "literal-secret")]


def told(findings) -> list[tuple[str, str]]:
    return [(finding["pointer"], finding["code"]) for finding in findings]


def test_good_document_is_valid_with_its_plan(who):
    judged = judge_document(who, DOCUMENT)

    assert (judged["valid"], judged["errors"], judged["problems"]) == (True, {}, [])
    assert judged["plan"] == {
        "order": ["each", "a", "b", "spare"],
        "dependencies": {"b": ["each"], "each": [], "a": [], "spare": []},
        "owners": {"a": "each"},
    }
    assert told(judged["warnings"]) == WARNED


def test_judging_saves_nothing(who):
    judge_document(who, DOCUMENT)

    assert Pipeline.select().count() == 0


def test_document_with_problems_is_invalid_without_a_plan(who):
    judged = judge_document(who, {**DOCUMENT, "tag": 1, "max_concurrency": 0})

    assert (judged["valid"], judged["plan"]) == (False, None)
    assert told(judged["problems"]) == [
        ("/tag", "unknown-field"),
        ("/max_concurrency", "wrong-type"),
    ]
    assert list(judged["errors"]) == ["/tag", "/max_concurrency"]
    assert told(judged["warnings"]) == WARNED[1:]


def test_empty_object_is_a_document_without_a_name(who):
    judged = judge_document(who, {})

    assert told(judged["problems"]) == [("/name", "missing-field")]


def test_saved_pipeline_is_judged_under_canonical_names(who):
    create_pipeline(who, DOCUMENT)

    judged = judge_pipeline(who, "p")

    assert judged == judge_document(who, DOCUMENT)


def test_input_that_fits_makes_no_problem(who):
    create_pipeline(who, DOCUMENT)

    assert judge_pipeline(who, "p", {"n": 1})["valid"] is True


@pytest.mark.parametrize(("input", "pointer"), [({}, "/input/n"), ({"n": "x"}, "/input/n")])
def test_input_that_breaks_the_schema_is_a_problem_at_its_place(who, input, pointer):
    create_pipeline(who, DOCUMENT)

    judged = judge_pipeline(who, "p", input)

    assert (judged["valid"], judged["plan"]) == (False, None)
    assert told(judged["problems"]) == [(pointer, "invalid-input")]
    assert list(judged["errors"]) == [pointer]
    assert told(judged["warnings"]) == WARNED


def test_version_named_is_the_one_judged(who):
    create_pipeline(who, DOCUMENT)

    assert judge_pipeline(who, "p@1.0.0")["valid"] is True
    with pytest.raises(NotFound):
        judge_pipeline(who, "p@1.0.1")


def test_other_organisations_pipeline_is_not_found(who, stranger):
    made = create_pipeline(who, DOCUMENT).body

    for reference in ("p", made["id"]):
        with pytest.raises(NotFound):
            judge_pipeline(stranger, reference)
