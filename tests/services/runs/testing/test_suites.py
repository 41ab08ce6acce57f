"""Suites of pure pipelines: started, judged, ended."""

from __future__ import annotations

import pytest

import config
from app.core.errors import IllegalMove, NotFound
from app.models import Run, TestRun
from app.services.runs import control, drive
from app.services.runs.testing import advancing
from app.services.runs.testing.advancing import advance_test_run
from tests.services.runs.conftest import transform
from tests.services.runs.testing.conftest import (
    advance_all,
    equals,
    rung,
    runs_of,
    seen,
    status,
)

DOUBLE = (transform("a", "{{ input.n * 2 }}"),)


@pytest.fixture
def pipeline(deploy):
    return deploy(*DOUBLE)


def test_taken_suite_is_pending_and_rings_once(ask, pipeline, who, bells):
    test_id = ask({"input": {"n": 1}}, pipeline_id=pipeline)

    expected = {"completed": 0, "total": 1}
    assert status(who, test_id) == {"test_id": test_id, "status": "pending", "progress": expected}
    assert (rung(), bells(), Run.select().count()) == (1, 0, 0)


def test_each_test_is_a_run_of_its_own_with_its_input(ask, pipeline, bells):
    test_id = ask({"input": {"n": 1}}, {"input": {"n": 2}}, pipeline_id=pipeline)

    advance_test_run()

    runs = runs_of(test_id)
    assert [run.input for run in runs] == [{"n": 1}, {"n": 2}]
    assert {(run.trigger_type, run.trigger_id) for run in runs} == {("test", test_id)}
    assert [run.metadata for run in runs] == [
        {"suite": "suite", "test": "t0"},
        {"suite": "suite", "test": "t1"},
    ]
    assert bells() == 2


def test_end_of_a_run_makes_its_test_run_due_and_rings(ask, pipeline):
    test_id = ask({"input": {"n": 1}}, {"input": {"n": 2}}, pipeline_id=pipeline)
    advance_test_run()
    before = rung()
    assert TestRun.get_by_id(test_id).wake_at is None

    drive.advance_run()

    assert TestRun.get_by_id(test_id).wake_at is not None
    assert rung() == before + 1


def test_progress_counts_tests_that_are_over(ask, pipeline, who):
    test_id = ask({"input": {"n": 1}}, {"input": {"n": 2}}, {"skip": True}, pipeline_id=pipeline)
    advance_test_run()
    drive.advance_run()
    advance_test_run()

    assert status(who, test_id)["status"] == "running"
    assert status(who, test_id)["progress"] == {"completed": 2, "total": 3}


def test_results_are_refused_before_the_end(ask, pipeline, who):
    test_id = ask({"input": {"n": 1}}, pipeline_id=pipeline)

    with pytest.raises(IllegalMove, match="pending"):
        seen(who, test_id)
    advance_test_run()
    with pytest.raises(IllegalMove, match="running"):
        seen(who, test_id)


def test_test_without_assertions_passes_when_its_run_completes(outcome, pipeline):
    result = outcome({"input": {"n": 4}}, pipeline_id=pipeline)

    assert result["status"] == "passed"
    assert result["summary"] == {"total": 1, "passed": 1, "failed": 0, "skipped": 0, "errored": 0}
    [test] = result["tests"]
    assert (test["status"], test["output"]["result"], test["assertions"]) == ("passed", 8, [])
    assert test["run_id"].startswith("run-")
    assert test["error"] is None


def test_failed_assertion_fails_test_and_suite_and_is_explained(outcome, pipeline):
    result = outcome(
        {"input": {"n": 4}, "assertions": [equals("output.result", 9)]},
        {"input": {"n": 4}, "assertions": [equals("output.result", 8)]},
        pipeline_id=pipeline,
    )

    assert [test["status"] for test in result["tests"]] == ["failed", "passed"]
    assert result["status"] == "failed"
    assert result["tests"][0]["assertions"] == [
        {
            "path": "output.result",
            "type": "equals",
            "stage_id": None,
            "passed": False,
            "expected": 9,
            "actual": 8,
            "message": "output.result is 8, expected to equal 9.",
        }
    ]


def test_run_that_fails_unexpectedly_fails_its_test(outcome, pipeline):
    result = outcome({"input": {}}, pipeline_id=pipeline)

    [test] = result["tests"]
    assert (test["status"], test["error"]["type"]) == ("failed", "EXPRESSION")
    assert result["status"] == "failed"


@pytest.mark.parametrize(
    ("expected", "passes"),
    [
        (True, True),
        ("input.n", True),
        ({"type": "EXPRESSION", "stage_id": "a", "message_contains": "input.n"}, True),
        ({}, True),
        ("another thing", False),
        ({"type": "TIMEOUT"}, False),
    ],
)
def test_expected_error_is_met_or_not(outcome, pipeline, expected, passes):
    result = outcome({"input": {}, "expect_error": expected}, pipeline_id=pipeline)

    [test] = result["tests"]
    assert test["status"] == ("passed" if passes else "failed")
    assert [each["type"] for each in test["assertions"]] == ([] if passes else ["expect_error"])


def test_run_that_completes_in_spite_of_an_expected_error_fails_its_test(outcome, pipeline):
    result = outcome({"input": {"n": 1}, "expect_error": True}, pipeline_id=pipeline)

    [told] = result["tests"][0]["assertions"]
    assert (result["status"], told["message"]) == ("failed", "The run was to fail, and did not.")


def test_failed_run_can_be_asserted_on(outcome, pipeline):
    result = outcome(
        {
            "input": {},
            "expect_error": True,
            "assertions": [
                equals("status", "failed"),
                equals("error.stage_id", "a"),
                {"path": "output", "type": "type", "value": "null"},
                equals("stages.a.status", "failed"),
            ],
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"][0]["assertions"]


def test_skipped_test_has_no_run(outcome, pipeline):
    result = outcome({"skip": True}, {"input": {"n": 1}}, pipeline_id=pipeline)

    assert [test["status"] for test in result["tests"]] == ["skipped", "passed"]
    assert (result["tests"][0]["run_id"], result["status"]) == (None, "passed")
    assert Run.select().count() == 1


def test_suite_of_skipped_tests_passes_without_any_run(outcome, pipeline):
    result = outcome({"skip": True}, pipeline_id=pipeline)

    assert (result["status"], result["summary"]["skipped"]) == ("passed", 1)


def test_input_that_breaks_the_schema_is_an_errored_test(outcome, deploy):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    pipeline = deploy(*DOUBLE, input_schema=schema)

    result = outcome({"input": {"n": "x"}}, {"input": {"n": 1}}, pipeline_id=pipeline)

    assert [test["status"] for test in result["tests"]] == ["errored", "passed"]
    assert result["status"] == "errored"
    assert result["tests"][0]["error"]["type"] == "VALIDATION"
    assert list(result["tests"][0]["error"]["details"]["errors"]) == ["/n"]
    assert result["tests"][0]["run_id"] is None


def test_stopped_run_is_an_errored_test(ask, pipeline, who):
    test_id = ask({"input": {"n": 1}}, pipeline_id=pipeline)
    advance_test_run()

    control.stop(who, runs_of(test_id)[0].id)
    advance_test_run()

    [test] = seen(who, test_id)["tests"]
    assert (test["status"], test["error"]["details"]) == ("errored", {"reason": "cancelled"})


def test_stage_assertions_start_at_the_output_of_the_stage(outcome, deploy):
    pipeline = deploy(transform("a", 1), transform("b", 2), transform("off", 3, when="false"))

    result = outcome(
        {
            "stage_assertions": {
                "a": [equals("result", 1), equals("$", {"result": 1})],
                "off": [equals("", None), {"path": "result", "type": "notExists"}],
            }
        },
        pipeline_id=pipeline,
    )

    told = result["tests"][0]["assertions"]
    assert [(each["stage_id"], each["path"], each["passed"]) for each in told] == [
        ("a", "result", True),
        ("a", "$", False),
        ("off", "", True),
        ("off", "result", True),
    ]


def test_stages_can_be_asserted_on_and_the_last_instance_counts(outcome, deploy):
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": list(range(1, 12)), "loop_stages": ["t"]},
    }
    pipeline = deploy(each, transform("t", "{{ item }}"), transform("z", 1, when="false"))

    result = outcome(
        {
            "assertions": [
                equals("stages.t.output.result", 11),
                equals("stages.t.attempts", 1),
                equals("stages.z", {"status": "skipped", "output": None, "attempts": 0}),
                {"path": "stages", "type": "lengthEquals", "value": 3},
                {"path": "stages.nope", "type": "notExists"},
            ]
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"][0]["assertions"]


def test_stage_in_a_body_that_was_never_opened_is_not_there(outcome, deploy):
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": [], "loop_stages": ["t"]},
    }
    pipeline = deploy(each, transform("t", 1))

    result = outcome(
        {
            "assertions": [{"path": "stages.t", "type": "notExists"}],
            "stage_assertions": {"t": [{"path": "", "type": "notExists"}]},
        },
        pipeline_id=pipeline,
    )

    assert result["status"] == "passed", result["tests"][0]["assertions"]
    assert result["coverage"]["stages"] == {"each": "executed", "t": "not_reached"}


def test_coverage_is_that_of_all_tests_together(outcome, deploy):
    pipeline = deploy(
        transform("a", 1, when="{{ input.a }}"),
        transform("b", 1, when="{{ input.b }}"),
        transform("never", 1, when="false"),
        transform("fails", "{{ input.nope }}", depends_on=["a", "b"]),
        transform("behind", 1, depends_on=["fails"]),
    )

    result = outcome(
        {"input": {"a": True, "b": False}}, {"input": {"a": False, "b": True}}, pipeline_id=pipeline
    )

    assert result["coverage"] == {
        "total_stages": 5,
        "executed_stages": 3,
        "percentage": 60.0,
        "stages": {
            "a": "executed",
            "b": "executed",
            "never": "skipped",
            "fails": "failed",
            "behind": "not_reached",
        },
    }


def test_fail_fast_runs_one_after_another_and_skips_what_follows_the_first_failure(
    ask, pipeline, who
):
    good, bad = {"input": {"n": 1}}, {"input": {}}
    test_id = ask(good, {"skip": True}, bad, good, pipeline_id=pipeline, fail_fast=True)

    advance_test_run()
    assert len(runs_of(test_id)) == 1
    advance_all(test_id)

    result = seen(who, test_id)
    assert [t["status"] for t in result["tests"]] == ["passed", "skipped", "failed", "skipped"]
    assert (result["status"], len(runs_of(test_id))) == ("failed", 2)


def test_fail_fast_stops_at_a_test_that_cannot_be_carried_out(outcome, deploy):
    pipeline = deploy(*DOUBLE, input_schema={"required": ["n"]})

    result = outcome({"input": {}}, {"input": {"n": 1}}, pipeline_id=pipeline, fail_fast=True)

    assert [test["status"] for test in result["tests"]] == ["errored", "skipped"]
    assert (result["status"], Run.select().count()) == ("errored", 0)


def test_fail_fast_goes_to_the_end_when_all_pass(outcome, pipeline):
    result = outcome(*({"input": {"n": n}} for n in range(5)), pipeline_id=pipeline, fail_fast=True)

    assert result["summary"]["passed"] == 5


def test_suite_of_a_hundred_tests(outcome, pipeline):
    tests = [
        {"input": {"n": n}, "assertions": [equals("output.result", 2 * n)]} for n in range(100)
    ]

    result = outcome(*tests, pipeline_id=pipeline)

    assert result["summary"]["passed"] == 100
    assert [test["name"] for test in result["tests"]] == [f"t{n}" for n in range(100)]


def test_result_names_pipeline_and_version(outcome, pipeline):
    result = outcome({"input": {"n": 1}}, pipeline_id=f"{pipeline}@1.0.0")

    assert result["pipeline_id"].startswith("pl-")
    assert (result["name"], result["pipeline_version"]) == ("suite", "1.0.0")
    assert result["duration_ms"] >= 0
    assert result["started_at"] <= result["completed_at"]


def test_other_organisations_test_run_is_unknown(ask, pipeline, stranger):
    test_id = ask({"input": {"n": 1}}, pipeline_id=pipeline)

    for read in (status, seen):
        with pytest.raises(NotFound):
            read(stranger, test_id)


def test_outputs_that_are_too_much_together_are_left_out(outcome, deploy):
    echo = deploy(transform("a", "{{ input.n }}"))
    with config.using(max_output_bytes=150):
        result = outcome({"input": {"n": "x" * 40}}, {"input": {"n": "y" * 40}}, pipeline_id=echo)

    first, second = result["tests"]
    assert (first["output"]["result"], "output_truncated" in first) == ("x" * 40, False)
    assert (second["output"], second["output_truncated"], second["status"]) == (
        None,
        True,
        "passed",
    )


def test_long_actual_value_is_left_out_of_the_assertion(outcome, deploy):
    echo = deploy(transform("a", "{{ input.n }}"))
    with config.using(event_output_bytes=30):
        result = outcome(
            {"input": {"n": "x" * 30}, "assertions": [equals("output.result", "y")]},
            pipeline_id=echo,
        )

    [told] = result["tests"][0]["assertions"]
    assert (told["passed"], told["actual"], told["actual_truncated"]) == (False, None, True)


def test_defect_in_the_judging_ends_the_test_run(ask, pipeline, who, monkeypatch):
    test_id = ask({"input": {"n": 1}}, {"skip": True}, pipeline_id=pipeline)
    advance_test_run()
    drive.advance_run()
    monkeypatch.setattr(advancing, "judge", lambda *_: 1 / 0)

    advance_test_run()

    first, second = seen(who, test_id)["tests"]
    assert (first["status"], first["error"]["type"]) == ("errored", "UNKNOWN")
    assert second["status"] == "skipped"


def test_deeply_nested_values_are_compared(outcome, pipeline):
    deep: object = 1
    for _ in range(60):
        deep = [deep]
    test = {"input": {"n": 1, "deep": deep}, "assertions": [{"path": "output", "type": "exists"}]}

    result = outcome(test, document=document(transform("a", "{{ input.deep }}")))

    assert result["status"] == "passed"


def document(*stages: dict) -> dict:
    return {"name": "unsaved", "stages": list(stages)}
