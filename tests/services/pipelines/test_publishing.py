"""Publishing versions and withdrawing them: what a reference means then."""

from __future__ import annotations

import pytest

from app.core import wire
from app.core.errors import (
    IllegalMove,
    InvalidPipeline,
    NotFound,
    PreconditionFailed,
    ValidationFailed,
)
from app.core.states import RunStatus
from app.infra.database import release
from app.models import AuditEntry
from app.models.pipelines import PipelineVersion
from app.models.runs import Run
from app.services.pages import Page
from app.services.pipelines.documents import create_pipeline, get_pipeline, resolve
from app.services.pipelines.history import get_version, list_versions
from app.services.pipelines.publishing import publish_pipeline, unpublish_pipeline
from app.services.runs.start import start_run
from tests.services.pipelines.conftest import row
from tests.services.pipelines.test_writers import at_once


def deeds(action: str) -> list[dict]:
    """The details of each audit entry of this action."""
    return [entry.details for entry in AuditEntry.select().where(AuditEntry.action == action)]


@pytest.fixture
def versions(update):
    """1.0.0, 1.9.0 and 1.10.0-rc.1, whose order as texts is another."""
    update(version="1.9.0")
    update(version="1.10.0-rc.1")


def test_newest_version_is_published_unless_one_is_named(who, versions):
    told = publish_pipeline(who, "p").body

    assert (told["version"], told["status"]) == ("1.10.0-rc.1", "published")
    assert get_pipeline(who, "p").body["published_at"] == told["published_at"]


@pytest.mark.parametrize(("reference", "version"), [("p@1.9.0", None), ("p", "1.9.0")])
def test_version_is_named_by_the_reference_or_beside_it(who, versions, reference, version):
    assert publish_pipeline(who, reference, version).body["version"] == "1.9.0"
    assert resolve(who, "p").version == "1.9.0"


def test_two_names_of_different_versions_are_refused(who, versions):
    with pytest.raises(ValidationFailed) as refused:
        publish_pipeline(who, "p@1.9.0", "1.0.0")

    assert list(refused.value.errors) == ["/version"]


def test_reference_means_the_highest_published_version_whatever_the_order(who, versions):
    for version in ("1.9.0", "1.10.0-rc.1", "1.0.0"):
        publish_pipeline(who, "p", version)

    assert resolve(who, "p").version == "1.10.0-rc.1"
    assert get_pipeline(who, "p").body["published_version"] == "1.10.0-rc.1"


def test_publishing_again_gives_the_same_answer_and_changes_nothing(who, made):
    first = publish_pipeline(who, "p")

    assert publish_pipeline(who, "p") == first
    assert deeds("pipeline.published") == [{"name": "p", "version": "1.0.0"}]


@pytest.mark.parametrize("version", ["9.9.9", "", "x"])
def test_unknown_version_is_not_found(who, made, version):
    with pytest.raises(NotFound):
        publish_pipeline(who, "p", version)


def test_document_is_judged_again(who, made):
    broken = {**PipelineVersion.get().document, "output_stage_id": "gone"}
    PipelineVersion.update(document=broken).execute()

    with pytest.raises(InvalidPipeline):
        publish_pipeline(who, "p")

    assert row().status == "draft"


def test_completed_run_of_the_version_is_kept_as_its_test(who, made):
    run_id = start_run(who, "p", {}).run["id"]
    Run.update(status=RunStatus.COMPLETED.value).execute()

    publish_pipeline(who, "p", test_run_id=run_id)

    assert get_pipeline(who, "p").body["last_test_run_id"] == run_id


def test_run_that_has_not_completed_or_is_of_another_version_is_no_test(who, update, made):
    run_id = start_run(who, "p", {}).run["id"]
    for tested in (run_id, "run-1", "", made["id"]):
        with pytest.raises(ValidationFailed) as refused:
            publish_pipeline(who, "p", test_run_id=tested)
        assert list(refused.value.errors) == ["/test_run_id"]
    Run.update(status=RunStatus.COMPLETED.value).execute()
    update(description="newer")

    with pytest.raises(ValidationFailed):
        publish_pipeline(who, "p", test_run_id=run_id)


def test_run_of_another_organisation_is_no_test(who, stranger, made):
    create_pipeline(stranger, {"name": "p"})
    run_id = start_run(stranger, "p", {}).run["id"]
    Run.update(status=RunStatus.COMPLETED.value).execute()

    with pytest.raises(ValidationFailed):
        publish_pipeline(who, "p", test_run_id=run_id)


def test_unpublishing_withdraws_every_version(who, versions):
    publish_pipeline(who, "p", "1.0.0")
    publish_pipeline(who, "p", "1.9.0")

    told = unpublish_pipeline(who, "p").body

    assert (told["version"], told["status"]) == ("1.9.0", "draft")
    shown = get_pipeline(who, "p").body
    assert (shown["status"], shown["published_version"], shown["published_at"]) == (
        "draft",
        None,
        None,
    )
    assert resolve(who, "p").version == "1.10.0-rc.1"
    assert not any(each["published"] for each in list_versions(who, "p", Page())["items"])
    assert deeds("pipeline.unpublished") == [{"name": "p", "versions": ["1.9.0", "1.0.0"]}]


def test_draft_cannot_be_unpublished(who, made):
    with pytest.raises(IllegalMove):
        unpublish_pipeline(who, "p")


@pytest.mark.parametrize("change", [publish_pipeline, unpublish_pipeline])
def test_stale_tag_is_refused_before_the_state(who, made, change):
    before = row().etag

    with pytest.raises(PreconditionFailed):
        change(who, "p", if_match={"stale"})

    assert row().etag == before


@pytest.mark.parametrize("change", [publish_pipeline, unpublish_pipeline])
def test_other_organisations_pipeline_is_not_found(stranger, made, change):
    with pytest.raises(NotFound):
        change(stranger, made["id"])


def test_tag_changes_with_each_publication_and_is_the_pipelines(who, made):
    tags = [row().etag]
    for change in (publish_pipeline, unpublish_pipeline, publish_pipeline):
        tags.append(change(who, "p", if_match={tags[-1]}).etag)

    assert len(set(tags)) == 4
    assert get_pipeline(who, "p").etag == tags[-1]


def test_versions_published_at_once_are_all_published_and_the_highest_is_meant(who, update, made):
    versions = ["1.0.0", *(update(description=f"{i}")["version"] for i in range(5))]
    release()

    shown = at_once(*(lambda each=each: publish_pipeline(who, "p", each) for each in versions))

    assert [answer.body["version"] for answer in shown] == versions
    assert all(each["published"] for each in list_versions(who, "p", Page())["items"])
    assert resolve(who, "p").version == "1.0.5"


def test_one_version_published_at_once_is_published_once(who, made):
    release()

    shown = at_once(*(lambda: publish_pipeline(who, "p") for _ in range(6)))

    assert len({wire.dumps(answer.body) for answer in shown}) == 1
    assert len(deeds("pipeline.published")) == 1


def test_versions_are_listed_by_semantic_order_page_by_page(who, versions):
    first = list_versions(who, "p@1.0.0", Page(limit=2, count=True))
    second = list_versions(who, "p", Page(limit=2, cursor=first["next"]))

    listed = [each["version"] for each in first["items"] + second["items"]]
    assert listed == ["1.10.0-rc.1", "1.9.0", "1.0.0"]
    assert (first["total"], second["next"]) == (3, None)
    assert all("document" not in each for each in first["items"])


def test_version_is_shown_as_it_was_saved(who, made, update):
    before = get_version(who, "p", "1.0.0")
    update(name="q", description="newer")

    after = get_version(who, made["id"], "1.0.0")

    assert after.body == before.body
    assert (after.body["document"]["description"], after.body["published"]) == ("first", False)
    with pytest.raises(NotFound):
        get_version(who, "q", "3.0.0")
