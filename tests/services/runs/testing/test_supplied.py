"""Tests that name a recorded run of their own."""

from __future__ import annotations

import pytest

from app.core.errors import NotFound, ValidationFailed
from app.models import TestRun
from app.services.runs.testing import recording
from app.services.runs.testing.asking import run_tests
from tests.services.runs.conftest import transform
from tests.services.runs.testing.conftest import call, equals, suite_of


def test_each_test_may_name_a_recorded_run_of_its_own(outcome, deploy, record, world):
    sums = transform("t", "{{ upstream.call.body.n + input.n }}")
    pipeline = deploy(call(world), sums)
    one, two = (record(pipeline, {"n": n}) for n in (10, 20))
    changed = {"name": "new", "stages": [call(world), transform("t", "{{ upstream.call.body.n }}")]}

    result = outcome(
        {"from_run": one, "assertions": [equals("output.result", 1)]},
        {"from_run": two, "assertions": [equals("output.result", 2)]},
        {"from_run": two, "live": ["call"], "assertions": [equals("output.result", 3)]},
        document=changed,
    )

    assert result["status"] == "passed", result["tests"]
    assert world.count == 3


def test_run_of_its_own_goes_before_that_of_the_suite(outcome, deploy, record):
    pipeline = deploy(transform("a", "{{ input.n }}"))
    one, two = (record(pipeline, {"n": n}) for n in (1, 2))

    result = outcome(
        {"from_run": two, "assertions": [equals("output.result", 2)]},
        {"assertions": [equals("output.result", 1)]},
        from_run=one,
    )

    assert result["status"] == "passed", result["tests"]


def test_what_was_recorded_of_another_component_is_no_mock(outcome, deploy, record, world):
    run_id = record(deploy(call(world, "a"), call(world, "gone")))
    document = {"name": "new", "stages": [transform("a", "{{ 5 }}"), call(world, "fresh")]}

    [test] = outcome({"from_run": run_id}, document=document)["tests"]

    assert (test["status"], test["error"]["details"]["reason"]) == ("errored", "not_mocked")
    assert test["error"]["stage_id"] == "fresh"


def test_other_organisations_run_supplies_nobody(ask, deploy, record, stranger):
    run_id = record(deploy(transform("a", 1)))
    document = {"name": "own", "stages": [transform("a", 1)]}

    with pytest.raises(NotFound):
        run_tests(stranger, document=document, suite=suite_of({"from_run": run_id}))


def test_too_much_of_many_runs_is_refused_at_the_test_it_is_of(
    ask, deploy, record, world, monkeypatch
):
    pipeline = deploy(call(world))
    recorded = [record(pipeline) for _ in range(2)]
    monkeypatch.setattr(recording, "MOST_BYTES", 500)

    with pytest.raises(ValidationFailed) as refused:
        ask(*[{"from_run": run_id} for run_id in recorded], pipeline_id=pipeline)

    assert list(refused.value.errors) == ["/suite/tests/1/from_run"]
    assert TestRun.select().count() == 0
