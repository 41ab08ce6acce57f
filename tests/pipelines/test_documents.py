"""Every document is saved without a problem, and its runs are as its cases say."""

from __future__ import annotations

import pytest

from app.components import built_in
from app.core.states import RunStatus
from app.engine.document import read_document
from app.engine.planner import plan_document
from app.engine.validation import validate_document, warnings_of
from tests.pipelines import laws, written
from tests.pipelines.notation import difference, line_of, place_of
from tests.pipelines.server import scripted, told
from tests.services.runs.conftest import seen, tape


@pytest.mark.parametrize("name", written.names())
def test_document_has_no_problems_and_no_warnings(name):
    document = written.document(name)
    problems = validate_document(document, built_in())

    assert problems == []
    assert warnings_of(document, plan_document(read_document(document), built_in())) == []


@pytest.mark.parametrize("name", written.names())
def test_runs_are_as_written(who, save, run, subtests, name):
    for case in written.cases(name):
        for each in (name, *case["uses"]):
            save(each)
        with subtests.test(case["name"]):
            _check(who, run, name, case)


def _check(who, run, name, case):
    with scripted(case.get("server", ())) as server:
        address = server.url("")
        run_id = run(name, written.addressed(case["input"], address))

    ended, events = seen(who, run_id), tape(who, run_id)
    expected = written.addressed(case, address)
    check_end(expected, ended)
    _check_stages(expected.get("stages", {}), ended["stages"])
    _check_events(expected, events)
    _check_requests(expected, [told(heard) for heard in server.requests])
    laws.check(ended, events)


def check_end(expected, run):
    assert run["status"] == expected["status"], run["error"]
    if run["status"] == RunStatus.FAILED:
        assert run["output"] is None
        error = dict(expected["error"])
        for word in error.pop("message_tells", ()):
            assert word in run["error"]["message"]
        _check_members("error", error, run["error"])
    else:
        assert run["error"] is None
        assert written.same(expected["output"], run["output"]), run["output"]


def _check_stages(expected, stages):
    found = {place_of(stage): stage for stage in stages}
    for place, members in expected.items():
        assert place in found, f"{place} does not appear"
        _check_members(place, members, found[place])


def _check_members(place, expected, found):
    for name, value in expected.items():
        assert written.same(value, found[name]), f"{place}: {name} is {found[name]}"


def _check_events(expected, events):
    lines = [line_of(event) for event in events if "stage_id" in event]
    wrong = difference(expected["events"], lines)
    assert wrong is None, wrong


def _check_requests(expected, heard):
    wanted = expected.get("requests", [])
    if wanted == written.ANY:
        return
    if expected.get("requests_in_any_order"):
        wanted, heard = sorted(wanted), sorted(heard)
    assert heard == wanted
