"""Changing a pipeline: what becomes of versions, members and the name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core import wire
from app.core.errors import (
    InvalidPipeline,
    NameTaken,
    NotFound,
    ValidationFailed,
)
from app.models import AuditEntry
from app.models.pipelines import Pipeline, PipelineVersion
from app.services.pipelines.documents import create_pipeline, get_pipeline, plan_of, resolve
from app.services.pipelines.updating import update_pipeline
from tests.services.pipelines.conftest import DOCUMENT, row, saved


def test_change_becomes_the_next_patch_and_all_else_stays(update, made):
    shown = update(description="second")

    assert shown["version"] == "1.0.1"
    changed = {"description": "second", "version": "1.0.1", "updated_at": shown["updated_at"]}
    assert shown == {**made, **changed}
    assert saved() == ["1.0.0", "1.0.1"]


def test_null_resets_a_member_to_its_default(update):
    nulls = ("description", "tags", "category", "max_concurrency", "metadata", "stages")

    shown = update(**dict.fromkeys(nulls))

    assert {name: shown[name] for name in nulls} == {
        "description": "",
        "tags": [],
        "category": None,
        "max_concurrency": 10,
        "metadata": {},
        "stages": [],
    }


def test_stages_are_replaced_whole_and_shown_by_their_canonical_names(update):
    shown = update(stages=[{"id": "b", "component": "logger", "input_mapping": {"message": "x"}}])

    (stage,) = shown["stages"]
    assert (stage["id"], stage["component_type"]) == ("b", "logger")
    assert stage["config"] == {"message": "x"}


def test_lists_show_what_the_newest_version_says(update):
    update(description="second", tags=["y"], category=None, is_template=True)

    listed = row()
    assert (listed.description, listed.tags, listed.category, listed.is_template) == (
        "second",
        ["y"],
        None,
        True,
    )


@pytest.mark.parametrize(
    ("versions", "following"),
    [
        (["1.0.9"], "1.0.10"),
        (["1.1.0-rc.1"], "1.1.0"),
        (["1.1.0-rc.1", "1.1.0"], "1.1.1"),
        (["2.0.0-0"], "2.0.0"),
    ],
)
def test_without_a_version_the_next_one_follows_the_newest(update, versions, following):
    for version in versions:
        update(version=version)

    assert update(description="more")["version"] == following


@pytest.mark.parametrize("version", ["1.0.1", "1.1.0-alpha", "10.0.0", "1.0.1-0"])
def test_higher_version_is_taken_as_given_also_when_nothing_else_changes(update, version):
    assert update(version=version)["version"] == version
    assert saved() == ["1.0.0", version]


@pytest.mark.parametrize("version", ["1.0.0", "0.9.9", "1.0.0-rc.1"])
def test_version_that_is_not_higher_than_every_saved_one_is_refused(update, version):
    with pytest.raises(ValidationFailed) as refused:
        update(description="second", version=version)

    assert not isinstance(refused.value, InvalidPipeline)
    assert list(refused.value.errors) == ["/version"]
    assert saved() == ["1.0.0"]


@pytest.mark.parametrize("version", ["", "1", "1.0", "v2.0.0", "2.0.0+build", 2, False, []])
def test_text_that_is_no_version_is_a_problem(update, version):
    with pytest.raises(InvalidPipeline) as refused:
        update(version=version)

    assert list(refused.value.errors) == ["/version"]


def test_version_too_long_to_be_followed_is_a_problem_instead_of_a_broken_pipeline(update):
    update(version="1.0." + "9" * 96)

    with pytest.raises(InvalidPipeline) as refused:
        update(description="more")

    assert list(refused.value.errors) == ["/version"]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"version": None},
        {"name": "p", "description": "first"},
        {"stages": DOCUMENT["stages"]},
        {"output_stage_id": None},
    ],
)
def test_change_of_nothing_saves_nothing(update, made, members):
    before = row()

    assert update(**members) == made
    assert saved() == ["1.0.0"]
    assert row().etag == before.etag
    assert AuditEntry.select().where(AuditEntry.action == "pipeline.updated").count() == 0


@pytest.mark.parametrize("metadata", [{"a": 2, "b": 1}, {"b": 1.0, "a": 2}, {"b": True, "a": 2}])
def test_order_of_members_and_kind_of_numbers_are_changes(update, metadata):
    shown = update(metadata=metadata)

    assert shown["version"] == "1.0.1"
    assert wire.dumps(shown["metadata"]) == wire.dumps(metadata)


def test_saved_version_never_changes(who, update, made):
    before = PipelineVersion.get()
    plan = plan_of(before.id)

    update(stages=[], version="2.0.0")

    assert PipelineVersion.get_by_id(before.id).document == before.document
    assert get_pipeline(who, "p@1.0.0").body["stages"] == made["stages"]
    assert plan_of(resolve(who, "p@1.0.0").id) is plan
    assert plan_of(resolve(who, "p").id).stages == {}


def test_published_version_stays_published(who, update, made):
    Pipeline.update(status="published", published_version_id=row().current_version_id).execute()

    shown = update(description="second")

    assert (shown["status"], shown["published_version"], shown["version"]) == (
        "published",
        "1.0.0",
        "1.0.1",
    )
    assert resolve(who, "p").version == "1.0.0"


def test_tag_changes_with_each_change(who, made):
    tags = {row().etag}
    for text in ("second", "third"):
        tags.add(update_pipeline(who, "p", {"description": text}).etag)

    assert len(tags) == 3
    assert row().etag in tags


def test_update_is_written_down_with_its_version(who, update, made):
    update(description="second")

    entry = AuditEntry.get(AuditEntry.action == "pipeline.updated")
    assert (entry.resource_id, entry.success) == (made["id"], True)
    assert entry.details == {"name": "p", "version": "1.0.1"}


def test_version_is_its_authors_and_the_pipeline_stays_its_makers(who, made):
    other = replace(who, client_id="oac-1")

    shown = update_pipeline(other, "p", {"description": "second"})

    version = PipelineVersion.get(PipelineVersion.version == "1.0.1")
    assert (version.created_by, shown.body["created_by"]) == ("oac-1", made["created_by"])


def test_new_name_is_that_of_all_versions_and_the_old_one_is_free(who, update, made):
    update(name="q")

    assert get_pipeline(who, "q").body["id"] == made["id"]
    assert get_pipeline(who, "q@1.0.0").body["name"] == "q"
    with pytest.raises(NotFound):
        get_pipeline(who, "p")
    assert create_pipeline(who, {"name": "p"}).body["id"] != made["id"]


def test_taken_name_is_refused_and_saves_nothing(who, update, made):
    create_pipeline(who, {"name": "q"})

    with pytest.raises(NameTaken):
        update(name="q", description="second")

    assert get_pipeline(who, "p").body == made
    assert len(saved()) == 2


def test_name_of_another_organisations_pipeline_is_free(stranger, update):
    create_pipeline(stranger, {"name": "q"})

    assert update(name="q")["name"] == "q"


@pytest.mark.parametrize("name", [None, "", "a@b", " a", 5])
def test_bad_name_is_a_problem(update, name):
    with pytest.raises(InvalidPipeline) as refused:
        update(name=name)

    assert list(refused.value.errors) == ["/name"]
