"""Every document under the debugger: stepped through, looked back at, replayed, asked what if."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.core import wire
from app.core.states import RunStatus, StageStatus, is_final
from app.models import Run, StageRun
from app.services.pages import Page
from app.services.runs import control, drive, timetravel
from app.services.runs.comparing import get_what_if
from app.services.runs.replay import start_replay
from app.services.runs.start import start_run
from app.services.runs.what_if import start_what_if
from tests.engine.reference.profile import THOROUGH
from tests.pipelines import laws, written
from tests.pipelines.conftest import PATIENCE_SECONDS
from tests.pipelines.server import scripted
from tests.pipelines.test_documents import check_end
from tests.services.runs.conftest import seen, tape

PLACES = 1000 if THOROUGH else 3  #: of each history that replays begin at
CASES = 1000 if THOROUGH else 1  #: of each document that are forked or looked back at
HALTS = ("execution_paused", "execution_resumed")
#: Cases in which the quickest of several decides: a step has only one of them go on, and a fork
#: not all of them begin at once.
RACES = {"one hangs up and takes the others down", "the quickest shop with a price wins"}
ENDED = ("completed_stages", "pending_stages")

pytestmark = pytest.mark.timeout(7200 if THOROUGH else 120)


@contextmanager
def begun(save, name: str, case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The case as it is to come out, with everything saved and its server up."""
    for each in (name, *case["uses"]):
        save(each)
    with scripted(case.get("server", ())) as server:
        yield written.addressed(case, server.url(""))


def chosen(name: str) -> list[dict[str, Any]]:
    """The cases of a document that are looked at closely."""
    return written.cases(name)[:CASES]


def is_steady(case: dict[str, Any]) -> bool:
    """Whether the server of the case says the same for ever, and nothing else decides."""
    says_one_thing = all(len(part["say"]) == 1 for part in case.get("server", ()))
    return says_one_thing and case["name"] not in RACES


def ended(who, run_id: str) -> dict[str, Any]:
    """The run, driven to its end; where it pauses, it goes a step."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_final(status := RunStatus(Run.get_by_id(run_id).status)):
        assert time.monotonic() < give_up_at, "the run does not end"
        if status is RunStatus.PAUSED:
            control.step(who, run_id)
        drive.advance_run()
        time.sleep(0.002)
    return seen(who, run_id)


def snapshots(who, run_id: str) -> list[dict[str, Any]]:
    """All of a run, opened."""
    found, cursor = [], None
    while True:
        page = timetravel.list_snapshots(who, run_id, Page(200, cursor))
        found += [timetravel.get_snapshot(who, run_id, one["id"]) for one in page["items"]]
        if (cursor := page["next"]) is None:
            return wire.read(wire.dumps(found))


def spread(items: list[Any]) -> list[Any]:
    """Some of them, the first and the last among them."""
    last = len(items) - 1
    places = {last * place // max(PLACES - 1, 1) for place in range(PLACES)}
    return [items[place] for place in sorted(places)]


def check_tape(run: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """The laws of a run that took over what its source did, or stood still in between."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    started = {place for event in events if (place := of(event, "stage_started"))}
    taken = {laws.place_of(event) for event in events if event.get("reused")}
    assert not started & taken
    moving = [event for event in events if event["type"] not in HALTS]
    assert (moving[0]["type"], moving[-1]["type"]) == ("run_started", f"run_{run['status']}")


def of(event: dict[str, Any], kind: str) -> str | None:
    return laws.place_of(event) if event["type"] == kind else None


@pytest.mark.parametrize("name", written.names())
def test_stepping_through_ends_as_running(who, save, run, subtests, name):
    for case in written.cases(name):
        if case["name"] in RACES:
            continue
        with subtests.test(case["name"]), begun(save, name, case) as expected:
            run_id = start_run(who, name, expected["input"], stop_on_entry=True).run["id"]
            there = ended(who, run_id)

            check_end(expected, there)
            check_tape(there, tape(who, run_id))


@pytest.mark.parametrize("name", written.names())
def test_replays_end_as_their_source(who, save, run, subtests, name):
    for case in filter(is_steady, chosen(name)):
        with subtests.test(case["name"]), begun(save, name, case) as expected:
            source = run(name, expected["input"])

            for one in spread(snapshots(who, source)):
                fork = start_replay(who, source, one["id"]).run["id"]
                there = ended(who, fork)

                check_end(expected, there)
                check_tape(there, tape(who, fork))


@pytest.mark.parametrize("name", written.names())
def test_without_a_change_a_dry_run_ends_as_its_source(who, save, run, subtests, name):
    for case in chosen(name):
        with subtests.test(case["name"]), begun(save, name, case) as expected:
            source = run(name, expected["input"])
            if case["name"] in RACES or not is_repeatable(source):
                continue

            for one in spread(snapshots(who, source)):
                fork = start_what_if(who, source, one["id"], {"input": {}}).run["id"]
                there = ended(who, fork)

                check_end(expected, there)
                check_tape(there, tape(who, fork))


@pytest.mark.parametrize("name", written.names())
def test_without_a_change_nothing_of_a_completed_run_executes(who, save, run, subtests, name):
    for case in chosen(name):
        with subtests.test(case["name"]), begun(save, name, case) as expected:
            source = run(name, expected["input"])
            if expected["status"] != RunStatus.COMPLETED:
                continue

            last = snapshots(who, source)[-1]["id"]
            fork = start_what_if(who, source, last, {"input": {}}).run["id"]

            check_end(expected, ended(who, fork))
            told = get_what_if(who, source, fork)
            assert [one for one in told["stages"] if one["changed"] or has_executed(one)] == []


def is_repeatable(run_id: str) -> bool:
    """Whether everything that a dry run does not execute has an output to give instead."""
    rows = StageRun.select().where(
        StageRun.run == run_id,
        StageRun.component_type == "http_request",
        StageRun.status.not_in((StageStatus.COMPLETED, StageStatus.SKIPPED)),
    )
    return not rows.exists()


def has_executed(entry: dict[str, Any]) -> bool:
    """Owners that a return cut off had no end to be taken over; they only begin."""
    return entry["executed"] and entry["original"]["status"] != StageStatus.CANCELLED


@pytest.mark.parametrize("name", written.names())
def test_each_state_is_the_one_before_and_what_changed(who, save, run, subtests, name):
    for case in chosen(name):
        with subtests.test(case["name"]), begun(save, name, case) as expected:
            source = run(name, expected["input"])
            states = snapshots(who, source)

            for old, new in zip(states, states[1:], strict=False):
                check_difference(who, old, new)
            check_last(source, states[-1])


def check_difference(who, old: dict[str, Any], new: dict[str, Any]) -> None:
    diff = wire.read(wire.dumps(timetravel.get_diff(who, old["run_id"], old["id"], new["id"])))
    for kind, states in (("outputs", "accumulated_outputs"), ("variables", "variables")):
        changed = {name: both["new"] for name, both in diff[f"modified_{kind}"].items()}
        kept = {k: v for k, v in old[states].items() if k not in diff[f"removed_{kind}"]}
        assert {**kept, **changed, **diff[f"added_{kind}"]} == new[states]
    done, open = (set(new[name]) for name in ENDED)
    assert not done & open
    assert set(diff["stages_completed"]) == (
        {new["stage_id"]} if new["status"] == StageStatus.COMPLETED else set()
    )


def check_last(run_id: str, state: dict[str, Any]) -> None:
    rows = StageRun.select().where(StageRun.run == run_id, StageRun.iteration_path == "")
    outputs = {row.stage_id: row.output for row in rows if row.status == StageStatus.COMPLETED}
    assert outputs.items() >= state["accumulated_outputs"].items() or state["iteration_path"]
