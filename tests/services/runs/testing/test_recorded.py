"""Tests out of recorded runs."""

from __future__ import annotations

import pytest

from app.core.errors import NotFound, ValidationFailed
from app.models import Run, TestRun
from app.services.pipelines.deleting import delete_pipeline
from app.services.runs import drive
from app.services.runs.testing import recording
from app.services.runs.testing.advancing import advance_test_run
from app.services.runs.testing.asking import run_tests
from tests.services.runs.conftest import transform
from tests.services.runs.testing.conftest import call, equals, seen


def test_recorded_run_is_a_test_of_its_own(outcome, deploy, record, world):
    pipeline = deploy(call(world), transform("t", "{{ upstream.call.body.n + input.n }}"))
    run_id = record(pipeline, {"n": 10})

    result = outcome(from_run=run_id)

    [test] = result["tests"]
    assert (result["status"], test["name"], result["name"]) == ("passed", run_id, run_id)
    assert test["assertions"][0]["expected"] == test["output"]
    assert test["output"]["result"] == 11
    assert world.count == 1
    assert result["coverage"]["stages"] == {"call": "mocked", "t": "executed"}
    assert result["pipeline_version"] == "1.0.0"


def test_recorded_outputs_of_a_body_are_given_by_iteration(outcome, deploy, record, world):
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": list("abcdefghijkl"), "loop_stages": ["call"]},
    }
    pipeline = deploy(each, call(world, path="/{{ item }}"))
    run_id = record(pipeline)

    result = outcome(from_run=run_id)

    assert result["status"] == "passed", result["tests"][0]["assertions"]
    assert [r["body"]["n"] for r in result["tests"][0]["output"]["results"]] == list(range(1, 13))
    assert world.count == 12


def test_recorded_outputs_of_nested_loops_are_given_by_place(outcome, deploy, record, world):
    outer = {
        "id": "outer",
        "component_type": "foreach",
        "config": {"items": [1, 2], "loop_stages": ["inner"]},
    }
    inner = {
        "id": "inner",
        "component_type": "foreach",
        "config": {"items": [1, 2, 3], "loop_stages": ["call"]},
    }
    run_id = record(deploy(outer, inner, call(world)))

    result = outcome(from_run=run_id)

    assert result["status"] == "passed", result["tests"][0]["assertions"]
    assert world.count == 6


def test_recorded_failure_is_a_mocked_error(outcome, deploy, record, world):
    failing = call(world, config={"url": "http://192.0.2.1/"}, on_error="continue")
    run_id = record(deploy(failing, transform("t", "{{ upstream.call.error.type }}")))

    result = outcome(from_run=run_id)

    assert result["tests"][0]["output"]["result"] == "SECURITY"
    assert result["status"] == "passed"


def test_failed_run_cannot_be_a_test_of_its_own(ask, deploy, record):
    run_id = record(deploy(transform("a", "{{ input.nope }}")), status="failed")

    with pytest.raises(ValidationFailed) as refused:
        ask(from_run=run_id)

    assert list(refused.value.errors) == ["/from_run"]


def test_with_a_suite_a_recorded_run_gives_input_and_mocks(outcome, deploy, record, world):
    pipeline = deploy(call(world), transform("t", "{{ upstream.call.body.n + input.n }}"))
    run_id = record(pipeline, {"n": 10})

    result = outcome(
        {"assertions": [equals("output.result", 11)]},
        {"input": {"n": 20}, "assertions": [equals("output.result", 21)]},
        {
            "mocks": {"call": {"output": {"body": {"n": 5}}}},
            "assertions": [equals("output.result", 15)],
        },
        {
            "mocks": {"http_request": {"output": {"body": {"n": 6}}}},
            "assertions": [equals("output.result", 16)],
        },
        {"live": ["call"], "assertions": [equals("output.result", 12)]},
        from_run=run_id,
    )

    assert result["summary"]["passed"] == 5, result["tests"]
    assert world.count == 2


def test_run_of_a_deleted_pipeline_is_tested_by_its_document(outcome, deploy, record, world, who):
    pipeline = deploy(call(world))
    run_id = record(pipeline)
    delete_pipeline(who, pipeline)

    result = outcome(from_run=run_id)

    assert (result["status"], result["pipeline_id"]) == ("passed", None)


def test_run_of_a_test_can_be_tested_again_with_its_mocks(outcome, deploy):
    pipeline = deploy(
        transform("a", "{{ input.n }}"),
        transform("b", "{{ upstream.a.result + 1 }}"),
        transform("c", "{{ upstream.b.result + 1 }}"),
    )
    mocked = {"input": {"n": 4}, "mocks": {"b": {"output": {"result": 70}}}}
    first = outcome(mocked, pipeline_id=pipeline)

    again = outcome(from_run=first["tests"][0]["run_id"])

    assert (again["status"], again["tests"][0]["output"]["result"]) == ("passed", 71)
    assert again["coverage"]["stages"] == {"a": "executed", "b": "mocked", "c": "executed"}


def test_recorded_rounds_answer_in_their_turn(outcome, deploy, record, world):
    again = {
        "id": "again",
        "component_type": "retry",
        "config": {"task": ["call", "judge"], "max_retries": 2, "initial_delay": 0},
    }
    judge = transform("judge", "{{ [1][3 - upstream.call.body.n] }}")  # fails but for the third
    run_id = record(deploy(again, call(world), judge))
    assert world.count == 3

    result = outcome(from_run=run_id)

    assert result["status"] == "passed", result["tests"]
    assert world.count == 3


def test_start_variables_are_given_again(outcome, deploy, start):
    child = deploy(transform("c", "{{ vars.x }}"))
    setter = {
        "id": "set",
        "component_type": "variable_set",
        "config": {"name": "x", "value": 9},
    }
    sub = {
        "id": "sub",
        "component_type": "subpipeline",
        "config": {"pipeline_id": child},
        "depends_on": ["set"],
    }
    parent = start(deploy(setter, sub))
    drive.advance_run()
    [child_id] = [run.id for run in Run.select().where(Run.parent_run_id == parent)]

    result = outcome(from_run=child_id)
    own = outcome({"from_run": child_id}, pipeline_id=child)

    assert (result["status"], result["tests"][0]["output"]["result"]) == ("passed", 9)
    assert (own["status"], own["tests"][0]["output"]["result"]) == ("passed", 9)


def test_other_organisations_run_is_unknown(ask, deploy, record, stranger):
    run_id = record(deploy(transform("a", 1)))

    with pytest.raises(NotFound):
        run_tests(stranger, from_run=run_id)


def test_too_much_to_be_kept_is_refused(ask, deploy, record, world, monkeypatch):
    run_id = record(deploy(call(world)))
    monkeypatch.setattr(recording, "MOST_BYTES", 500)

    with pytest.raises(ValidationFailed) as refused:
        ask(*[{}] * 10, from_run=run_id)

    assert list(refused.value.errors) == ["/from_run"]
    assert TestRun.select().count() == 0


def test_pipeline_that_is_deleted_before_its_runs_start_is_told(ask, deploy, who, bells):
    pipeline = deploy(transform("a", 1))
    test_id = ask({}, {"skip": True}, pipeline_id=pipeline)
    delete_pipeline(who, pipeline)

    advance_test_run()

    gone, skipped = seen(who, test_id)["tests"]
    assert (gone["status"], gone["error"]["type"], skipped["status"]) == (
        "errored",
        "ROUTING",
        "skipped",
    )
