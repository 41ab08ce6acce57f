"""Deleting pipelines: when it is refused, and what stays."""

from __future__ import annotations

import threading

import pytest

from app.core import wire
from app.core.errors import InUse, NotFound, PreconditionFailed, StudioError, ValidationFailed
from app.core.states import RUN_MOVES, RunStatus, is_final
from app.infra.database import release, transaction
from app.models import AuditEntry, IdempotencyKey
from app.models.pipelines import Pipeline
from app.models.runs import Run
from app.services.pages import Page
from app.services.pipelines import deleting
from app.services.pipelines.cloning import clone_pipeline
from app.services.pipelines.deleting import delete_pipeline
from app.services.pipelines.documents import create_pipeline, get_pipeline, resolve
from app.services.pipelines.history import list_versions
from app.services.pipelines.listing import list_pipelines
from app.services.pipelines.publishing import publish_pipeline, unpublish_pipeline
from app.services.pipelines.updating import update_pipeline
from app.services.runs import read, start
from app.services.runs.start import Idempotency, start_run
from tests.services.pipelines.conftest import DOCUMENT, row
from tests.services.pipelines.test_writers import at_once


def test_deleted_pipeline_is_nowhere_and_its_name_is_free(who, made):
    delete_pipeline(who, "p")

    for act in (
        get_pipeline,
        resolve,
        clone_pipeline,
        publish_pipeline,
        unpublish_pipeline,
        delete_pipeline,
        lambda who, name: list_versions(who, name, Page()),
        lambda who, name: update_pipeline(who, name, {"description": "x"}),
        lambda who, name: start_run(who, name, {}),
    ):
        for reference in ("p", made["id"]):
            with pytest.raises(NotFound):
                act(who, reference)
    assert list_pipelines(who, Page())["items"] == []
    assert create_pipeline(who, DOCUMENT).body["id"] != made["id"]


def test_deletion_is_written_down(who, made):
    delete_pipeline(who, made["id"])

    entry = AuditEntry.get(AuditEntry.action == "pipeline.deleted")
    assert (entry.resource_id, entry.details) == (made["id"], {"name": "p"})


@pytest.mark.parametrize("status", list(RunStatus))
def test_pipeline_is_in_use_until_its_runs_have_ended(who, made, status):
    run_id = start_run(who, "p", {}).run["id"]
    Run.update(status=status.value).execute()

    if is_final(status):
        return delete_pipeline(who, "p")
    with pytest.raises(InUse) as refused:
        delete_pipeline(who, "p")

    assert refused.value.used_by == [{"type": "run", "id": run_id, "name": "p"}]
    assert status in RUN_MOVES
    assert row().deleted_at is None


def test_runs_of_another_pipeline_do_not_keep_it(who, made):
    create_pipeline(who, {**DOCUMENT, "name": "q"})
    start_run(who, "q", {})

    delete_pipeline(who, "p")

    assert resolve(who, "q").pipeline_name == "q"


def test_finished_run_stays_readable(who, made):
    run_id = start_run(who, "p", {}).run["id"]
    Run.update(status=RunStatus.COMPLETED.value).execute()
    before = wire.dumps(read.get_run(who, run_id))

    delete_pipeline(who, "p")

    assert wire.dumps(read.get_run(who, run_id)) == before
    assert wire.read(before)["pipeline_name"] == "p"


def test_reference_with_a_version_is_refused(who, made):
    with pytest.raises(ValidationFailed):
        delete_pipeline(who, "p@1.0.0")


def test_stale_tag_is_refused_before_the_runs_are_told(who, made):
    start_run(who, "p", {})

    with pytest.raises(PreconditionFailed):
        delete_pipeline(who, "p", if_match={"stale"})


def test_other_organisations_pipeline_is_not_found(stranger, made):
    with pytest.raises(NotFound):
        delete_pipeline(stranger, made["id"])


def test_of_many_who_delete_it_at_once_one_does(who, made):
    release()

    shown = at_once(*(lambda: delete_pipeline(who, "p") for _ in range(5)))

    assert sorted(type(each).__name__ for each in shown) == ["NoneType"] + ["NotFound"] * 4


KEY = Idempotency("k", "POST /runs", "digest")


@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
def test_run_of_a_pipeline_deleted_since_it_was_looked_up_is_not_accepted(
    who, made, monkeypatch, key
):
    def looked_up(who, reference):
        version = resolve(who, reference)
        delete_pipeline(who, reference)
        return version

    monkeypatch.setattr(start, "resolve", looked_up)

    with pytest.raises(NotFound):
        start_run(who, "p", {}, idempotency=key)

    assert (Run.select().count(), IdempotencyKey.select().count()) == (0, 0)


@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
def test_start_that_meets_a_deletion_under_way_waits_and_is_not_accepted(who, made, key):
    told: list = []

    def begin() -> None:
        try:
            told.append(start_run(who, "p", {}, idempotency=key))
        except StudioError as refused:
            told.append(refused)
        finally:
            release()

    starting = threading.Thread(target=begin)
    with transaction():
        delete_pipeline(who, "p")
        starting.start()
        starting.join(0.2)  # it may get as far as the lock, or not: the answer is the same
    starting.join()

    assert [type(each) for each in told] == [NotFound]
    assert (Run.select().count(), IdempotencyKey.select().count()) == (0, 0)


def test_deletion_and_starts_at_once_never_both_succeed(who, made):
    for name in "abcd":
        create_pipeline(who, {**DOCUMENT, "name": name})
        release()

        *started, deleted = at_once(
            *(lambda name=name: start_run(who, name, {}) for _ in range(3)),
            lambda name=name: delete_pipeline(who, name),
        )

        accepted = [each for each in started if not isinstance(each, StudioError)]
        if deleted is None:
            assert accepted == []
        else:
            assert isinstance(deleted, InUse) and len(accepted) >= 1
        assert all(isinstance(each, NotFound) for each in started if each not in accepted)


def test_not_more_users_are_told_than_anyone_reads(who, made, monkeypatch):
    monkeypatch.setattr(deleting, "_MOST_TOLD", 2)
    for _ in range(3):
        start_run(who, "p", {})

    with pytest.raises(InUse) as refused:
        delete_pipeline(who, "p")

    assert len(refused.value.used_by) == 2
    assert Pipeline.get().deleted_at is None
