"""What mocks answer for, and what happens where there is none."""

from __future__ import annotations

import pytest

from app.infra import egress
from tests.services.runs.conftest import transform
from tests.services.runs.testing.conftest import equals

DOWN = {"type": "CONNECTIVITY", "message": "no route to host", "retryable": True}


def call(stage_id: str = "call", **changes: object) -> dict:
    """A stage that would leave the house."""
    config = {"url": "http://192.0.2.1/"}
    return {"id": stage_id, "component_type": "http_request", "config": config, **changes}


def loop(*stage_ids: str, **config: object) -> dict:
    return {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": ["a", "b", "c"], "loop_stages": list(stage_ids), **config},
    }


def test_mock_of_a_stage_gives_its_output(outcome, deploy):
    pipeline = deploy(call(), transform("t", "{{ upstream.call.body.x }}"))

    result = outcome(
        {
            "mocks": {"call": {"output": {"body": {"x": 7}}}},
            "assertions": [equals("output.result", 7), equals("stages.call.attempts", 1)],
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"]
    assert result["coverage"]["stages"] == {"call": "mocked", "t": "executed"}
    assert (result["coverage"]["executed_stages"], result["coverage"]["percentage"]) == (2, 100.0)


def test_mock_of_a_stage_wins_over_that_of_its_type(outcome, deploy):
    pipeline = deploy(call("one"), call("two"))

    result = outcome(
        {
            "mocks": {"http_request": {"output": {"n": 1}}, "two": {"output": {"n": 2}}},
            "assertions": [equals("output", {"one": {"n": 1}, "two": {"n": 2}})],
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"]


def test_mock_gives_one_output_for_each_iteration_the_last_repeating(outcome, deploy):
    pipeline = deploy(loop("call"), call())

    result = outcome(
        {
            "mocks": {"call": {"outputs": [{"n": 1}, {"n": 2}]}},
            "assertions": [equals("output.results", [{"n": 1}, {"n": 2}, {"n": 2}])],
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"]


def test_mocked_error_fails_every_attempt(outcome, deploy):
    retry = {"max_attempts": 3, "initial_delay_ms": 0}
    pipeline = deploy(call(retry=retry))

    result = outcome(
        {
            "mocks": {"call": {"error": DOWN}},
            "expect_error": {"type": "RETRY_EXHAUSTED", "stage_id": "call"},
            "assertions": [equals("error.details.attempts", 3)],
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"]


def test_mocked_error_takes_effect_as_the_pipeline_says(outcome, deploy):
    failing = call(on_error="continue")
    pipeline = deploy(failing, transform("t", "{{ upstream.call.error.type }}"))

    result = outcome(
        {
            "mocks": {"call": {"error": DOWN}},
            "assertions": [
                equals("output.result", "CONNECTIVITY"),
                equals("stages.call.status", "failed"),
            ],
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"]
    assert result["coverage"]["stages"]["call"] == "mocked"


@pytest.mark.parametrize("expected", [None, True])
def test_effectful_stage_without_a_mock_is_an_errored_test(outcome, deploy, expected):
    pipeline = deploy(call(on_error="continue"), transform("t", 1, depends_on=["call"]))

    result = outcome({"expect_error": expected}, pipeline_id=pipeline)

    [test] = result["tests"]
    assert (test["status"], result["status"]) == ("errored", "errored")
    assert test["error"]["details"] == {"reason": "not_mocked", "stage_id": "call"}
    assert result["coverage"]["stages"] == {"call": "failed", "t": "not_reached"}


def test_stage_without_a_mock_that_is_never_reached_does_no_harm(outcome, deploy):
    pipeline = deploy(call(when="{{ input.go }}"), transform("t", 1))

    result = outcome({"input": {"go": False}}, pipeline_id=pipeline)

    assert result["status"] == "passed"
    assert result["coverage"]["stages"] == {"call": "skipped", "t": "executed"}


def test_live_stage_is_executed(outcome, deploy, settings):
    egress.connect(settings.egress_allow)
    expected = {"type": "SECURITY", "stage_id": "call"}  # the guard refuses the address

    result = outcome({"live": ["call"], "expect_error": expected}, pipeline_id=deploy(call()))

    assert result["status"] == "passed", result["tests"]


def test_mocked_owner_opens_no_body(outcome, deploy):
    pipeline = deploy(loop("call"), call())

    result = outcome(
        {
            "mocks": {"each": {"output": {"results": []}}},
            "assertions": [{"path": "stages.call", "type": "notExists"}],
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"]
    assert result["coverage"]["stages"] == {"each": "mocked", "call": "not_reached"}


def test_subpipeline_is_not_started_without_leave(outcome, deploy):
    child = deploy(transform("c", 1))
    sub = {"id": "sub", "component_type": "subpipeline", "config": {"pipeline_id": child}}
    pipeline = deploy(sub)

    errored, mocked = outcome(
        {}, {"mocks": {"sub": {"output": {"result": 3}}}}, pipeline_id=pipeline
    )["tests"]

    assert errored["error"]["details"]["reason"] == "not_mocked"
    assert (mocked["status"], mocked["output"]) == ("passed", {"result": 3})


def test_test_that_takes_too_long_is_errored(outcome, deploy):
    pipeline = deploy(call(retry={"max_attempts": 2, "initial_delay_ms": 600, "jitter": False}))

    result = outcome({"mocks": {"call": {"error": DOWN}}, "timeout_ms": 100}, pipeline_id=pipeline)

    [test] = result["tests"]
    assert (test["status"], test["error"]["type"]) == ("errored", "TIMEOUT")
    assert test["error"]["stage_id"] is None
