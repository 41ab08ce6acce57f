"""Writers who change one pipeline at the same time."""

from __future__ import annotations

import threading

import pytest

from app.core.errors import (
    NameTaken,
    PreconditionFailed,
    StudioError,
    Unavailable,
    ValidationFailed,
)
from app.infra.database import release
from app.models import AuditEntry
from app.models.pipelines import Pipeline
from app.services.pipelines import updating
from app.services.pipelines.documents import create_pipeline, get_pipeline
from app.services.pipelines.saving import checked
from app.services.pipelines.updating import update_pipeline
from tests.services.pipelines.conftest import row, saved


def at_once(*calls) -> list:
    """What these calls give, begun together in threads of their own; refusals are given, too."""
    start = threading.Barrier(len(calls))
    given: list = [None] * len(calls)

    def act(i: int) -> None:
        start.wait()
        try:
            given[i] = calls[i]()
        except StudioError as refused:
            given[i] = refused
        finally:
            release()

    threads = [threading.Thread(target=act, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


CHANGES = [
    {"description": "second"},
    {"tags": ["y", "z"]},
    {"category": "d"},
    {"max_concurrency": 7},
    {"is_template": True},
    {"sample_input": {"n": 1}},
    {"metadata": {"k": "v"}},
    {"input_schema": {"type": "object"}},
]


def test_changes_made_at_once_are_all_there_each_in_a_version_of_its_own(who, made):
    release()

    shown = at_once(*(lambda each=each: update_pipeline(who, "p", each) for each in CHANGES))

    versions = [answer.body["version"] for answer in shown]
    assert sorted(versions) == [f"1.0.{patch}" for patch in range(1, len(CHANGES) + 1)]
    newest = get_pipeline(who, "p").body
    for change, answer in zip(CHANGES, shown, strict=True):
        ((name, value),) = change.items()
        assert newest[name] == value, name
        assert answer.body[name] == value, name
    assert AuditEntry.select().where(AuditEntry.action == "pipeline.updated").count() == len(
        CHANGES
    )


def test_each_answer_is_the_state_that_its_own_change_made(who, made):
    release()
    changes = [{"description": f"by {i}"} for i in range(6)]

    shown = at_once(*(lambda each=each: update_pipeline(who, "p", each) for each in changes))

    assert [answer.body["description"] for answer in shown] == [f"by {i}" for i in range(6)]
    assert len({answer.etag for answer in shown}) == 6
    for answer in shown:
        version = get_pipeline(who, f"p@{answer.body['version']}").body
        assert version["description"] == answer.body["description"]


def test_of_writers_with_one_tag_at_once_one_gets_through(who, made):
    tag = {row().etag}
    release()

    def write(i: int):
        return update_pipeline(who, "p", {"description": f"by {i}"}, if_match=tag)

    shown = at_once(*(lambda i=i: write(i) for i in range(6)))

    assert sum(isinstance(answer, PreconditionFailed) for answer in shown) == 5
    assert saved() == ["1.0.0", "1.0.1"]


def test_of_writers_of_one_version_at_once_one_gets_through(who, made):
    release()

    def write(i: int):
        return update_pipeline(who, "p", {"description": f"by {i}", "version": "2.0.0"})

    shown = at_once(*(lambda i=i: write(i) for i in range(6)))

    refused = [answer for answer in shown if isinstance(answer, ValidationFailed)]
    assert [list(each.errors) for each in refused] == [["/version"]] * 5
    assert saved() == ["1.0.0", "2.0.0"]


def test_of_two_pipelines_renamed_to_one_name_at_once_one_gets_it(who, made):
    other = create_pipeline(who, {"name": "q"}).body
    release()

    shown = at_once(
        *(lambda id=id: update_pipeline(who, id, {"name": "r"}) for id in (made["id"], other["id"]))
    )

    assert sum(isinstance(answer, NameTaken) for answer in shown) == 1


def test_writer_who_always_comes_second_is_told_to_try_again(who, made, monkeypatch):
    monkeypatch.setattr(updating, "_MOST_TRIES", 3)

    def overtaken(who, document, pipeline_id):
        Pipeline.update(etag=f"{row().etag}x").execute()
        return checked(who, document, pipeline_id)

    monkeypatch.setattr(updating, "checked", overtaken)

    with pytest.raises(Unavailable):
        update_pipeline(who, "p", {"description": "second"})

    assert saved() == ["1.0.0"]
