"""Between them the documents use the whole language."""

from __future__ import annotations

import json

from app.components import built_in
from app.core.errors import ERROR_TYPES
from app.engine.document import RETRY_DEFAULTS
from tests.pipelines import written

#: What the contract names and no run can come to yet.
UNREACHED = {"dry_run"}
REASONS = {
    "when", "branch", "upstream_skipped", "continue", "break", "not_reached", "return",
    "run_failed", "dry_run",
}  # fmt: skip
SETTINGS = {"name", "depends_on", "when", "timeout_ms", "retry", "on_error", "position"}
ALIASES = {"component", "type", "input_mapping", "retry_config"}
MEMBERS = {
    "version", "description", "tags", "input_schema", "output_schema", "output_stage_id",
    "max_concurrency", "sample_input",
}  # fmt: skip

DOCUMENTS = [written.document(name) for name in written.names()]
STAGES = [stage for document in DOCUMENTS for stage in document["stages"]]
CASES = [case for name in written.names() for case in written.cases(name)]


def kind(stage):
    return stage.get("component_type") or stage.get("component") or stage["type"]


def test_there_are_at_least_forty_documents_with_cases():
    assert len(DOCUMENTS) >= 40
    assert all(written.cases(name) for name in written.names())


def test_every_component_is_used():
    assert {kind(stage) for stage in STAGES} == {component.type for component in built_in()}


def test_every_setting_of_a_stage_and_its_alias_is_used():
    assert {name for stage in STAGES for name in stage} >= SETTINGS | ALIASES


def test_every_part_of_a_retry_policy_is_used():
    assert {name for stage in STAGES for name in stage.get("retry", ())} == RETRY_DEFAULTS.keys()


def test_every_member_of_a_document_that_runs_depend_on_is_used():
    assert {name for document in DOCUMENTS for name in document} >= MEMBERS


def test_every_reason_to_skip_a_stage_is_told():
    text = json.dumps([[case["events"], case.get("stages")] for case in CASES])

    assert {reason for reason in REASONS if f": {reason}" in text or f'"{reason}"' in text} == (
        REASONS - UNREACHED
    )


def test_runs_complete_and_fail_with_every_type_that_documents_can_bring_about():
    failed = {case["error"]["type"] for case in CASES if case["status"] == "failed"}

    assert {case["status"] for case in CASES} == {"completed", "failed"}
    assert failed == set(ERROR_TYPES) - {"UNKNOWN"}


def test_every_failed_case_says_which_error_with_which_message():
    errors = [case["error"] for case in CASES if case["status"] == "failed"]

    assert all({"type", "stage_id"} <= error.keys() for error in errors)
    assert all(error.keys() & {"message", "message_tells"} for error in errors)


def test_every_case_has_a_name_of_its_own():
    for name in written.names():
        titles = [case["name"] for case in written.cases(name)]
        assert len(set(titles)) == len(titles)
