"""The list of runs: filters, order and pages that neither repeat nor hide."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock, wire
from app.core.errors import BadCursor, NotFound
from app.core.ids import derived_id
from app.infra.database import database
from app.models import Pipeline, Run
from app.services.pages import Page
from app.services.runs.listing import Filters, list_runs

EVERY = Filters()


@pytest.fixture
def stored(who, deploy, start):
    """Stores a run with these columns changed; gives its id."""
    name = deploy()

    def store(pipeline: str | None = None, **changes: object) -> str:
        run_id = start(pipeline or name)
        if changes:
            Run.update(changes).where(Run.id == run_id).execute()
        return run_id

    store.pipeline = name
    return store


def ids(who, filters: Filters = EVERY, **page: object) -> list[str]:
    return [item["id"] for item in list_runs(who, filters, Page(**page))["items"]]


def test_newest_run_is_first_and_tests_are_left_out(who, stored):
    first, second = stored(), stored(status="failed", trigger_type="webhook")
    test = stored(trigger_type="test")

    assert ids(who) == [second, first]
    assert ids(who, Filters(trigger="test")) == [test]


def test_filters_hold_together(who, stored):
    stored(status="failed")
    stored(trigger_type="schedule")
    meant = stored(status="failed", trigger_type="schedule")

    assert ids(who, Filters(statuses=["failed", "paused"], trigger="schedule")) == [meant]
    assert ids(who, Filters(statuses=["paused"])) == []


def test_underscore_of_a_trigger_stands_for_itself(who, stored):
    meant = stored(trigger_type="what_if")
    stored(trigger_type="whatxif")

    assert ids(who, Filters(trigger="what_if")) == [meant]


@pytest.mark.parametrize("reference", ["{name}", "{id}", "{name}@1.0.0", "{id}@1.0.0"])
def test_pipeline_may_be_named_in_every_way(who, stored, deploy, reference):
    meant, _ = stored(), stored(pipeline=deploy())
    pipeline = Pipeline.get(name=stored.pipeline)

    found = ids(who, Filters(pipeline=reference.format(name=pipeline.name, id=pipeline.id)))

    assert found == [meant]


@pytest.mark.parametrize("reference", ["nope", "{name}@9.9.9", "@", "", "pl-1"])
def test_unknown_pipeline_is_not_found(who, stored, reference):
    with pytest.raises(NotFound):
        ids(who, Filters(pipeline=reference.format(name=stored.pipeline)))


def test_runs_of_a_deleted_pipeline_are_listed_by_its_id_alone(who, stored):
    run_id, pipeline = stored(), Pipeline.get(name=stored.pipeline)
    Pipeline.update(deleted_at=clock.now()).where(Pipeline.id == pipeline.id).execute()

    assert ids(who) == ids(who, Filters(pipeline=pipeline.id)) == [run_id]
    with pytest.raises(NotFound):
        ids(who, Filters(pipeline=pipeline.name))


def test_other_organisations_runs_and_pipelines_are_absent(who, stranger, stored):
    parent = stored()
    stored(parent_run_id=parent)

    assert ids(stranger) == ids(stranger, Filters(parent_run_id=parent)) == []
    with pytest.raises(NotFound):
        ids(stranger, Filters(pipeline=Pipeline.get(name=stored.pipeline).id))


def test_children_are_filtered_like_others(who, stored):
    parent = stored()
    first, second = (stored(parent_run_id=parent, trigger_type="subpipeline") for _ in range(2))
    failed = stored(parent_run_id=parent, trigger_type="subpipeline", status="failed")

    assert ids(who, Filters(parent_run_id=parent)) == [failed, second, first]
    assert ids(who, Filters(parent_run_id=parent, statuses=["failed"])) == [failed]
    assert ids(who, Filters(parent_run_id=parent, trigger="api")) == []


def test_times_bound_the_list_and_are_not_within(who, stored):
    noon = clock.parse("2026-03-02T12:00:00Z")
    moments = [noon + timedelta(milliseconds=ms) for ms in (-1, 0, 1)]
    before, at, after = (stored_at(stored, moment) for moment in moments)

    assert ids(who, Filters(created_after=noon)) == [after]
    assert ids(who, Filters(created_before=noon)) == [before]
    assert ids(who, Filters(created_after=moments[0], created_before=moments[2])) == [at]
    assert ids(who, Filters(created_before=noon + timedelta(microseconds=400))) == [at, before]


def test_run_whose_id_was_given_earlier_is_found_by_its_time(who, stored):
    noon = clock.parse("2026-03-02T12:00:00Z")
    child = stored_at(stored, noon, id_at=noon - timedelta(seconds=10))

    assert ids(who, Filters(created_after=noon - timedelta(seconds=1))) == [child]


def stored_at(stored, moment, id_at=None) -> str:
    run_id = derived_id("run", str(moment), at_ms=clock.to_ms(id_at or moment))
    stored(id=run_id, created_at=moment)
    return run_id


FILTERS = [
    EVERY,
    Filters(statuses=["failed", "pending"]),
    Filters(trigger="api"),
    Filters(pipeline="{name}"),
    Filters(created_after=clock.from_ms(0)),
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_pages_show_each_run_once_while_others_are_started(who, stored, filters):
    if filters.pipeline:
        filters = Filters(pipeline=stored.pipeline)
    old = [stored(status=("failed", "pending")[n % 2]) for n in range(7)]

    seen, cursor = [], None
    while True:
        page = list_runs(who, filters, Page(limit=3, cursor=cursor, count=True))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        stored()

    assert seen == old[::-1]


def test_pages_of_children_show_each_once(who, stored):
    parent = stored()
    children = [stored(parent_run_id=parent) for _ in range(3)]

    first = list_runs(who, Filters(parent_run_id=parent), Page(limit=2))
    second = list_runs(who, Filters(parent_run_id=parent), Page(limit=2, cursor=first["next"]))

    assert [item["id"] for item in first["items"] + second["items"]] == children[::-1]


def test_total_counts_what_the_filters_let_pass(who, stored):
    parent = stored()
    [stored(parent_run_id=parent, status="failed") for _ in range(3)]
    stored(trigger_type="test")

    def total(filters):
        return list_runs(who, filters, Page(limit=1, count=True))["total"]

    assert (total(EVERY), total(Filters(statuses=["failed"]))) == (4, 3)
    assert (total(Filters(parent_run_id=parent)), total(Filters(trigger="test"))) == (3, 1)


def test_cursor_that_no_page_gave_is_refused(who, stored):
    [stored() for _ in range(2)]

    with pytest.raises(BadCursor):
        ids(who, EVERY, cursor=wire.cursor("", "pl-1"))


def test_page_costs_two_queries_and_filters_by_pipeline_one_more(who, stored, monkeypatch):
    [stored() for _ in range(5)]
    asked = count_queries(monkeypatch)

    list_runs(who, EVERY, Page())
    plain = len(asked)
    list_runs(who, Filters(pipeline=stored.pipeline), Page())

    assert (plain, len(asked) - plain) == (2, 3)


def count_queries(monkeypatch) -> list[str]:
    """The statements from now on."""
    asked: list[str] = []
    original = type(database.obj).execute_sql

    def execute_sql(self, sql, params=None):
        asked.append(sql)
        return original(self, sql, params)

    monkeypatch.setattr(type(database.obj), "execute_sql", execute_sql)
    return asked
