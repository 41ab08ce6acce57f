"""Copies of pipelines: what they take along, and their names."""

from __future__ import annotations

import pytest

from app.core.errors import InvalidPipeline, NameTaken, NotFound
from app.infra.database import release
from app.models import AuditEntry
from app.services.pipelines.cloning import clone_pipeline
from app.services.pipelines.documents import create_pipeline
from app.services.pipelines.publishing import publish_pipeline
from tests.services.pipelines.test_writers import at_once

OWN = ("id", "name", "version", "created_at", "updated_at")


def test_clone_has_all_but_the_history(who, update, made):
    newer = update(description="newer", version="3.0.0")

    clone = clone_pipeline(who, "p").body

    assert {**clone, **{name: newer[name] for name in OWN}} == newer
    assert (clone["name"], clone["version"], clone["status"]) == ("p-copy", "1.0.0", "draft")
    assert clone["id"] != made["id"]
    assert AuditEntry.select().where(AuditEntry.action == "pipeline.created").count() == 2


def test_clone_of_a_published_pipeline_is_a_draft_of_what_is_published(who, update, made):
    publish_pipeline(who, "p")
    update(description="newer")

    clone = clone_pipeline(who, "p").body

    assert (clone["description"], clone["status"]) == ("first", "draft")
    assert (clone["published_version"], clone["published_at"]) == (None, None)


def test_clone_is_of_the_version_named(who, update, made):
    update(description="newer")

    assert clone_pipeline(who, f"{made['id']}@1.0.0", "q").body["description"] == "first"


def test_clones_without_a_name_are_numbered(who, made):
    names = [clone_pipeline(who, "p").body["name"] for _ in range(3)]

    assert names == ["p-copy", "p-copy-2", "p-copy-3"]


def test_clone_of_the_longest_name_has_a_name_of_its_own(who):
    create_pipeline(who, {"name": "n" * 100})

    names = [clone_pipeline(who, "n" * 100).body["name"] for _ in range(2)]

    assert names == ["n" * 95 + "-copy", "n" * 93 + "-copy-2"]


def test_taken_name_is_refused(who, made):
    with pytest.raises(NameTaken):
        clone_pipeline(who, "p", "p")


@pytest.mark.parametrize("name", ["", "a@b", "n" * 101])
def test_bad_name_is_a_problem_of_the_name(who, made, name):
    with pytest.raises(InvalidPipeline) as refused:
        clone_pipeline(who, "p", name)

    assert list(refused.value.errors) == ["/name"]


def test_other_organisations_pipeline_is_not_found(stranger, made):
    with pytest.raises(NotFound):
        clone_pipeline(stranger, made["id"])


def test_clones_made_at_once_have_names_of_their_own(who, made):
    release()

    shown = at_once(*(lambda: clone_pipeline(who, "p") for _ in range(5)))

    names = sorted(answer.body["name"] for answer in shown)
    assert names == ["p-copy", *(f"p-copy-{number}" for number in range(2, 6))]
