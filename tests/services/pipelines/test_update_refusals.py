"""Changes that are refused, and what they leave."""

from __future__ import annotations

import pytest

from app.core import clock
from app.core.errors import (
    InvalidPipeline,
    NotFound,
    PreconditionFailed,
    ValidationFailed,
)
from app.models.pipelines import Pipeline
from app.services.pipelines.documents import create_pipeline
from app.services.pipelines.updating import update_pipeline
from tests.services.pipelines.conftest import row, saved


def test_problems_are_those_of_the_whole_document(update):
    with pytest.raises(InvalidPipeline) as refused:
        update(output_stage_id="nope", owner="me", tags=None, max_concurrency=0)

    assert [(found.pointer, found.code) for found in refused.value.problems] == [
        ("/output_stage_id", "unknown-output-stage"),
        ("/max_concurrency", "wrong-type"),
        ("/owner", "unknown-field"),
    ]


def test_stage_that_others_still_name_cannot_go(who):
    stages = [
        {"id": "a", "type": "logger", "config": {"message": "x"}},
        {"id": "b", "type": "logger", "config": {"message": "x"}, "depends_on": ["a"]},
    ]
    create_pipeline(who, {"name": "p", "stages": stages, "output_stage_id": "a"})

    with pytest.raises(InvalidPipeline) as refused:
        update_pipeline(who, "p", {"stages": stages[1:]})

    assert list(refused.value.errors) == ["/stages/0/depends_on/0", "/output_stage_id"]


@pytest.mark.parametrize("reference", ["p@1.0.0", "p@", "{id}@1.0.0", "nope@1.0.0"])
def test_reference_with_a_version_is_refused(who, made, reference):
    with pytest.raises(ValidationFailed) as refused:
        update_pipeline(who, reference.format(id=made["id"]), {"description": "second"})

    assert list(refused.value.errors) == ["pipeline_id"]


@pytest.mark.parametrize("reference", ["nope", "", "p\0", "pl-01jz0000000000000000000000"])
def test_unknown_pipeline_is_not_found(who, made, reference):
    with pytest.raises(NotFound):
        update_pipeline(who, reference, {})


def test_other_organisations_pipeline_is_not_found(stranger, made):
    for reference in ("p", made["id"]):
        with pytest.raises(NotFound):
            update_pipeline(stranger, reference, {"description": "mine"})


def test_deleted_pipeline_is_not_found(who, made):
    Pipeline.update(deleted_at=clock.now()).execute()

    with pytest.raises(NotFound):
        update_pipeline(who, made["id"], {"description": "second"})


def test_present_tag_lets_the_change_through(who, made):
    shown = update_pipeline(who, "p", {"description": "second"}, if_match={"x", row().etag})

    assert shown.body["version"] == "1.0.1"


@pytest.mark.parametrize("members", [{"description": "second"}, {}])
def test_stale_tag_is_refused(who, made, members):
    with pytest.raises(PreconditionFailed):
        update_pipeline(who, "p", members, if_match={"stale"})

    assert saved() == ["1.0.0"]


def test_of_two_writers_with_one_tag_the_second_is_refused(who, made):
    tag = row().etag
    update_pipeline(who, "p", {"description": "second"}, if_match={tag})

    with pytest.raises(PreconditionFailed):
        update_pipeline(who, "p", {"description": "third"}, if_match={tag})
