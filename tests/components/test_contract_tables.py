"""Inputs, outputs and classes of the built-in components are those that contract 02 lists.

An input is written `name`, `name*` when it is required, `name=JSON` when it has a default.
"""

from __future__ import annotations

import json

import pytest

from app.components import built_in
from app.engine.coercion import build_inputs
from app.engine.component import Effect
from app.engine.validation.config import config_problems

INPUTS = {
    "http_request": 'url* method="GET" headers={} body params={} timeout=30 follow_redirects=true '
    "verify_ssl=true",
    "json_transform": "data* mapping jmespath_expression defaults={} flatten=false "
    "exclude_fields=[] parse_json_strings=true",
    "filter": 'data* condition field_conditions pass_if_missing=false filter_mode="pass_fail" '
    "invert=false",
    "logger": 'message* level="info" data tags={} emit_to_trace=true passthrough',
    "loop": "items* batch_size=1 max_iterations start_index=0 include_metadata=true",
    "schema_validate": "data* json_schema* strict=true coerce_types=false collect_all_errors=true",
    "variable_set": 'name* value* scope="pipeline" overwrite=true extract_path',
    "switch_router": 'data* value_path cases* default_route comparison_mode="equals"',
    "break_loop": "condition* result message",
    "continue_loop": "condition* message",
    "retry": "task* max_retries=3 initial_delay=1.0 backoff_multiplier=2.0 max_delay=30.0 "
    "retry_on=[]",
    "timeout": "task* timeout* fallback_task warn_at=80.0 raise_on_timeout=true",
    "parallel": 'tasks* timeout on_error="fail_fast" wait_for_all=true return_exceptions=false',
    "conditional": "condition* condition_expression true_branch_stages=[] false_branch_stages=[] "
    "pass_data",
    "router": "value* routes* default_route=[] value_expression case_insensitive=false pass_data",
    "foreach": 'items* loop_stages=[] item_variable="item" index_variable="index" '
    "collect_results=true parallel=false max_parallel=5 break_on_error=true filter_expression",
    "trycatch": 'try_stages* catch_stages=[] finally_stages=[] error_scope="propagate" '
    "catch_error_types=[] max_retries=0 retry_delay_ms=1000 pass_data",
    "return": 'condition=true condition_expression return_value message status="completed"',
    "subpipeline": "pipeline_id* pipeline_version input_data={} timeout_ms=60000 "
    "async_execution=false wait_for_completion=true inherit_context=true isolated=false "
    'on_error="propagate" default_result',
}
OUTPUTS = {
    "http_request": "status_code headers body elapsed_ms success url",
    "json_transform": "result fields_mapped fields_missing",
    "filter": "passed data filtered_count reason",
    "logger": "logged log_id passthrough",
    "loop": "batches total_items total_batches has_more metadata",
    "schema_validate": "valid data errors error_count",
    "variable_set": "name value previous_value was_set",
    "switch_router": "matched_route matched_case value data",
    "break_loop": "broken result message",
    "continue_loop": "continued message",
    "retry": "success result attempts errors exhausted",
    "timeout": "success timed_out elapsed timeout_value result warning percent_elapsed",
    "parallel": "results success_count error_count total_count errors execution_time",
    "conditional": "branch_taken condition_value condition_result data",
    "router": "route_taken original_value matched_value stages_to_execute stages_to_skip data",
    "foreach": "total_items processed_items skipped_items items_to_process results current_item "
    "current_index is_complete",
    "trycatch": "status error_occurred error_message error_type recovered try_result catch_result "
    "data",
    "return": "should_return return_value message status remaining_stages",
    "subpipeline": "pipeline_id run_id status result execution_time_ms error",
}
#: Defaults that the contract leaves out because they say nothing.
SAME_AS_NONE = {"filter": {"field_conditions": {}}}
EFFECTFUL = {"http_request"}
OWNERS = {"foreach", "trycatch", "retry", "timeout", "parallel", "subpipeline"}

#: Component, field, what it takes, what it refuses at save.
BOUNDS = [
    ("http_request", "timeout", [1, 300, "30"], [0, 301, 1.5]),
    ("http_request", "method", ["GET", "patch", "OPTIONS"], ["TRACE"]),
    ("logger", "level", ["debug", "WARNING"], ["fatal"]),
    ("filter", "filter_mode", ["pass_fail", "filter_array"], ["filter"]),
    ("loop", "batch_size", [1, 1000], [0, 1001]),
    ("variable_set", "name", ["a", "_A9", "x" * 64], ["", "9a", "a-b", "x" * 65, "{{ input.a }}"]),
    ("variable_set", "scope", ["pipeline", "loop"], ["run"]),
    (
        "switch_router",
        "comparison_mode",
        ["equals", "case_insensitive", "contains", "starts_with", "greater_than", "less_than",
         "in", "glob"],
        ["regex"],
    ),
    ("retry", "max_retries", [0, 10], [-1, 11]),
    ("retry", "backoff_multiplier", [1, 2.5], [0.9]),
    ("retry", "retry_on", [[], ["TIMEOUT"]], [["TOO_LATE"]]),
    ("timeout", "timeout", [0.1, 3600, "2.5"], [0.05, 3601, 0]),
    ("parallel", "on_error", ["fail_fast", "continue"], ["stop"]),
    ("foreach", "max_parallel", [1, 50], [0, 51]),
    ("foreach", "item_variable", ["row"], ["a b", ""]),
    ("trycatch", "max_retries", [0, 10], [-1, 11]),
    ("trycatch", "error_scope", ["propagate", "continue"], ["none"]),
    ("trycatch", "catch_error_types", [["EXECUTION"]], [["ANY"]]),
    ("return", "status", ["completed", "failed"], ["cancelled"]),
    ("subpipeline", "on_error", ["propagate", "continue"], ["ignore"]),
]  # fmt: skip

ALL = {component.type: component for component in built_in()}
of_each = pytest.mark.parametrize("name", INPUTS)


def written(name):
    """The inputs as the contract writes them: name -> (is it required, its default)."""
    found = {}
    for word in INPUTS[name].split():
        field, _, default = word.partition("=")
        value = json.loads(default) if default else None
        found[field.rstrip("*")] = (field.endswith("*"), value)
    return found


def problems(name, field, value):
    """Codes told of this field when it holds a constant."""
    told = config_problems(ALL[name], {field: value})
    return [code for pointer, code, _ in told if pointer.startswith(f"/config/{field}")]


def test_the_components_are_those_of_the_contract():
    assert ALL.keys() == INPUTS.keys() == OUTPUTS.keys()


@of_each
def test_inputs_are_those_of_the_contract(name):
    assert ALL[name].fields.keys() == written(name).keys()


@of_each
def test_required_inputs_are_missing_config_when_absent(name):
    told = {
        pointer for pointer, code, _ in config_problems(ALL[name], {}) if code == "missing-config"
    }

    assert told == {f"/config/{field}" for field, (needed, _) in written(name).items() if needed}


@of_each
def test_absent_inputs_take_the_default_of_the_contract(name):
    optional = {field: value for field, (needed, value) in written(name).items() if not needed}
    component = ALL[name]
    fields = {field: component.fields[field] for field in optional}

    assert vars(build_inputs(fields, {})) == optional | SAME_AS_NONE.get(name, {})


@of_each
def test_outputs_are_those_of_the_contract(name):
    assert list(ALL[name].outputs) == OUTPUTS[name].split()


@of_each
def test_the_class_is_that_of_the_contract(name):
    wanted = Effect.OWNER if name in OWNERS else Effect.PURE
    assert ALL[name].effect is (Effect.EFFECTFUL if name in EFFECTFUL else wanted)


@pytest.mark.parametrize("name", sorted(INPUTS.keys() - OWNERS - EFFECTFUL))
def test_an_attempt_of_an_operator_may_take_thirty_seconds(name):
    assert ALL[name].timeout_ms == 30_000


@pytest.mark.parametrize("name", sorted(OWNERS))
def test_an_owner_has_no_limit_of_its_own(name):
    assert ALL[name].timeout_ms is None


@pytest.mark.parametrize(("name", "field", "good", "bad"), BOUNDS)
def test_bounds_and_choices_are_those_of_the_contract(name, field, good, bad):
    assert [problems(name, field, value) for value in good] == [[]] * len(good)
    assert [problems(name, field, value) for value in bad] == [["wrong-config-type"]] * len(bad)
