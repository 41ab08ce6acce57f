"""Pipelines that would run themselves are refused when they are saved."""

from __future__ import annotations

import pytest

from app.core.errors import InvalidPipeline
from app.services.pipelines.documents import create_pipeline
from app.services.pipelines.updating import update_pipeline
from app.services.pipelines.validation import judge_document


def runs(name: str, *others: str, **stage: object) -> dict:
    """A document with a stage for each pipeline that it runs."""
    stages = [
        {"id": f"s{i}", "component_type": "subpipeline", "config": {"pipeline_id": other}, **stage}
        for i, other in enumerate(others)
    ]
    return {"name": name, "stages": stages}


def problems(refused) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def test_document_that_runs_itself_by_name_is_refused(who):
    with pytest.raises(InvalidPipeline) as refused:
        create_pipeline(who, runs("a", "b", "a@1.0.0"))

    assert problems(refused) == [("/stages/1/config/pipeline_id", "subpipeline-cycle")]


def test_change_that_closes_a_circle_is_refused_with_the_way(who):
    create_pipeline(who, runs("a"))
    create_pipeline(who, runs("b", "a"))
    create_pipeline(who, runs("c", "b"))

    with pytest.raises(InvalidPipeline) as refused:
        update_pipeline(who, "a", {"stages": runs("a", "c")["stages"]})

    (problem,) = refused.value.problems
    assert problem.message == "This pipeline would run itself: a -> c -> b -> a."


def test_circle_is_found_by_id_too(who):
    first = create_pipeline(who, runs("a")).body
    create_pipeline(who, runs("b", first["id"]))

    with pytest.raises(InvalidPipeline):
        update_pipeline(who, "a", {"stages": runs("a", "b")["stages"]})


def test_circle_among_others_is_none_of_this_document(who):
    create_pipeline(who, runs("a"))
    create_pipeline(who, runs("b", "a"))

    assert create_pipeline(who, runs("c", "a", "b", "a")).body["name"] == "c"


def test_template_is_left_to_the_run(who):
    assert create_pipeline(who, runs("a", "{{ input.which }}")).body["version"] == "1.0.0"


def test_pipeline_of_the_same_name_elsewhere_is_another_one(who, stranger):
    create_pipeline(stranger, runs("b", "a"))
    create_pipeline(who, runs("b"))

    assert create_pipeline(who, runs("a", "b")).body["name"] == "a"


def test_validation_tells_a_circle_among_other_problems_in_document_order(who):
    raw = runs("a", "a") | {"tags": 1}

    found = judge_document(who, {"tags": 1, **raw})

    assert [problem["code"] for problem in found["problems"]] == ["wrong-type", "subpipeline-cycle"]
    assert not found["valid"]


def test_long_way_back_is_found(who):
    for i in range(30):
        create_pipeline(who, runs(f"p{i}", *([f"p{i - 1}"] if i else [])))

    with pytest.raises(InvalidPipeline) as refused:
        update_pipeline(who, "p0", {"stages": runs("p0", "p29")["stages"]})

    assert problems(refused) == [("/stages/0/config/pipeline_id", "subpipeline-cycle")]
