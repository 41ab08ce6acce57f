"""Pages of stage runs: the contract's order, bounded answers, and rows that change meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

import config
from app.core import clock, wire
from app.core.errors import BadCursor, NotFound
from app.core.ids import new_id
from app.models import Run, StageRun
from app.services.pages import Page
from app.services.runs import drive, read
from tests.services.runs.conftest import seen, transform
from tests.services.runs.test_listing import count_queries

NOON = clock.parse("2026-03-02T12:00:00Z")


def loop(items: object) -> list[dict]:
    """A loop with a transform in its body, between two stages."""
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": items, "loop_stages": ["t"]},
    }
    return [transform("z"), each, transform("t", "{{ context.item }}"), transform("a")]


@pytest.fixture
def running(deploy, start):
    """A run of z, each (with t in its body) and a, which has no row of a stage yet; its id."""
    run_id = start(deploy(*loop([])))
    Run.update(status="running").where(Run.id == run_id).execute()
    return run_id


def add(run_id: str, stage_id: str, at: int | None, path: str = "", **changes: object) -> None:
    """A row that began `at` ms after noon, or never."""
    began = None if at is None else clock.from_ms(clock.to_ms(NOON) + at)
    values = {
        "org_id": "o",
        "run": run_id,
        "stage_id": stage_id,
        "component_type": "json_transform",
        "status": "skipped" if began is None else "completed",
        "attempt": 0 if began is None else 1,
        "iteration_path": path,
        "started_at": began,
    }
    StageRun.create(id=new_id("stg"), created_at=NOON, **{**values, **changes})


def page(who, run_id: str, limit: int = 50, cursor: str | None = None, **filters: object) -> dict:
    found = read.list_stages(who, run_id, Page(limit, cursor, True), **filters)
    return wire.read(wire.dumps(found))


def keys(items: list[dict]) -> list[str]:
    return [
        item["stage_id"] + "".join(f".{index}" for index in item["iteration_path"])
        for item in items
    ]


def test_order_is_start_then_document_then_number_of_iteration_then_round(who, running):
    for path in ("10", "9", "2"):
        add(running, "t", 5, path)
    add(running, "t", 5, "2", round=1)
    add(running, "each", 5)
    add(running, "a", 1)
    add(running, "t", None, "11")

    found = page(who, running)

    assert keys(found["items"]) == ["a", "each", "t.2", "t.2", "t.9", "t.10", "z", "t.11"]
    assert [item["round"] for item in found["items"]][2:4] == [0, 1]
    assert (found["total"], found["next"]) == (8, None)
    assert found["items"] == seen(who, running)["stages"]


def test_run_without_rows_shows_its_stages_as_pending(who, running):
    found = page(who, running)

    assert keys(found["items"]) == ["z", "each", "a"]
    assert {item["status"] for item in found["items"]} == {"pending"}


def test_stages_that_never_started_have_the_status_that_the_end_gave_them(who, running):
    Run.update(status="cancelled").where(Run.id == running).execute()
    add(running, "z", 0)

    assert keys(page(who, running, status="cancelled")["items"]) == ["each", "a"]
    assert page(who, running, status="pending")["total"] == 0


def test_filters_choose_stage_and_status(who, running):
    add(running, "t", 0, "0")
    add(running, "t", 0, "1", status="running")

    assert keys(page(who, running, stage_id="t")["items"]) == ["t.0", "t.1"]
    assert keys(page(who, running, stage_id="t", status="running")["items"]) == ["t.1"]
    assert keys(page(who, running, stage_id="a")["items"]) == ["a"]
    assert page(who, running, stage_id="nope") == {"items": [], "next": None, "total": 0}


def test_pages_hold_what_one_answer_would(who, run):
    made = run(*loop(list(range(11))))

    whole = page(who, made["id"])["items"]
    for limit in (1, 3):
        assert walk(who, made["id"], limit) == whole
    assert whole == made["stages"]


def walk(who, run_id: str, limit: int, between=lambda: None) -> list[dict]:
    items, cursor = [], None
    while True:
        found = page(who, run_id, limit, cursor)
        items += found["items"]
        cursor = found["next"]
        if cursor is None:
            return items
        between()


def test_stage_that_starts_while_pages_are_turned_is_shown_once(who, running):
    add(running, "t", 0, "0")
    late = iter(["a", "each", "z"])
    at = iter(range(1, 100))

    def one_more() -> None:
        if stage_id := next(late, None):
            add(running, stage_id, next(at))

    shown = keys(walk(who, running, 1, one_more))

    assert sorted(shown) == ["a", "each", "t.0", "z"]


def test_what_starts_after_the_pending_ones_were_begun_is_not_missed(who, running):
    first = page(who, running, 1)
    assert keys(first["items"]) == ["z"]
    add(running, "each", 1)
    add(running, "t", 2, "0")
    add(running, "z", 3)

    second = page(who, running, 2, first["next"])
    third = page(who, running, 2, second["next"])

    assert keys(second["items"]) == ["each", "t.0"]
    assert keys(third["items"]) == ["a"]


def test_page_ends_before_its_outputs_pass_the_limit_but_holds_one(who, run):
    made = run(*loop(["x" * 300] * 4))
    config.use(replace(config.settings(), max_output_bytes=1000))

    pages, cursor = [], None
    while not pages or cursor:
        found = page(who, made["id"], 50, cursor, stage_id="t")
        pages.append(found["items"])
        cursor = found["next"]
    config.use(replace(config.settings(), max_output_bytes=10))
    alone = page(who, made["id"], 50, None, stage_id="t")["items"]

    assert [len(items) for items in pages] == [2, 2]
    assert len(alone) == 1 and alone[0]["output"]["result"] == "x" * 300


def test_run_leaves_out_outputs_over_the_limit_and_says_so(who, run):
    made = run(*loop(["x" * 300] * 4))
    config.use(replace(config.settings(), max_output_bytes=1000))

    stages = seen(who, made["id"])["stages"]

    left_out = [item["output"] is None for item in stages if item["status"] == "completed"]
    assert any(left_out) and not all(left_out)
    assert all(item.get("output_truncated", False) == (item["output"] is None) for item in stages)


def test_run_shows_the_first_200_body_instances_and_says_that_there_are_more(who, run):
    made = run(*loop(list(range(201))))

    bodies = [item for item in made["stages"] if item["stage_id"] == "t"]
    assert [item["iteration"] for item in bodies] == list(range(200))
    assert made["stages_truncated"] is True
    assert {"z", "each", "a"} <= {item["stage_id"] for item in made["stages"]}


def test_reading_costs_the_same_queries_however_many_stage_runs_there_are(
    who, deploy, start, monkeypatch
):
    short, long = (start(deploy(*loop(list(range(items))))) for items in (2, 250))
    drive.advance_run()
    drive.advance_run()
    asked = count_queries(monkeypatch)

    def cost(act, run_id: str) -> int:
        before = len(asked)
        act(who, run_id)
        return len(asked) - before

    for act in (read.get_run, read.get_status, page):
        assert cost(act, short) == cost(act, long) <= 5


@pytest.mark.parametrize(
    "place",
    [
        ("x", "0", "", "0"),
        (None,) * 4,
        ("2026-03-02T12:00:00Z", "9999999999", "", "0"),
        ("2026-03-02T12:00:00Z", "0", "9999999999", "0"),
        ("2026-03-02T12:00:00Z", "0", "1..2", "0"),
        ("2026-03-02T12:00:00Z", "0", "\0", "0"),
        ("2026-03-02T12:00:00Z", "\u0664", "", "0"),
        ("2026-03-02T12:00:00Z", 0, "", "0"),
    ],
)
def test_cursor_that_no_page_gave_is_refused(who, running, place):
    with pytest.raises(BadCursor):
        page(who, running, 1, wire.cursor("", *place, *place))


def test_other_organisations_run_is_not_found(who, stranger, running):
    with pytest.raises(NotFound):
        page(stranger, running)
