"""Problems of config and expressions."""

import pytest

from app.engine.validation import validate_document
from tests.engine.pieces import REGISTRY, document, loop, note, problems, sets, stage


def test_an_absent_required_config_is_missing():
    assert problems(document(stage("a", "http_request"), {"id": "b", "type": "foreach"})) == [
        ("/stages/0/config/url", "missing-config"),
        ("/stages/1/config/items", "missing-config"),
    ]


def test_an_unknown_config_is_told_where_it_was_written():
    raw = document({**note("a"), "config": {"txet": 1}, "input_mapping": {"b/c": 1, "text": 2}})

    assert problems(raw) == [
        ("/stages/0/config/txet", "unknown-config"),
        ("/stages/0/input_mapping/b~1c", "unknown-config"),
    ]


@pytest.mark.parametrize(
    ("config", "below"),
    [
        ({"count": "many"}, "count"),
        ({"count": 0}, "count"),
        ({"count": 10}, "count"),
        ({"count": 1.5}, "count"),
        ({"names": []}, "names"),
        ({"names": {"a": 1, "b": "x"}}, "names/b"),
        ({"names": {"a": "{{ input.a }}", "b": "x"}}, "names/b"),
        ({"test": 5}, "test"),
        ({"even": "3"}, "even"),
    ],
)
def test_a_constant_that_does_not_fit_is_a_wrong_config_type(config, below):
    raw = document({**note("a"), "config": config})

    assert problems(raw) == [(f"/stages/0/config/{below}", "wrong-config-type")]


@pytest.mark.parametrize(
    "config",
    [
        {"count": "5"},
        {"count": None},
        {"count": "{{ input.count }}"},
        {"names": {"a": "{{ input.a }}", "b": "7"}},
        {"test": None},
        {"even": "4"},
    ],
)
def test_a_value_that_fits_or_may_fit_is_no_problem(config):
    assert problems(document({**note("a"), "config": config})) == []


def test_a_template_in_a_constant_field_is_a_wrong_config_type():
    raw = document(sets("a", "{{ input.x }}"), loop("b", "{{ input.x }}"))

    assert problems(raw) == [
        ("/stages/0/config/name", "wrong-config-type"),
        ("/stages/1/config/loop_stages/0", "wrong-config-type"),
    ]


def test_bad_syntax_is_told_at_the_string_with_the_character():
    raw = document(note("a", text={"x": ["fine", "{{ 1 + }}"]}))

    [problem] = validate_document(raw, REGISTRY)

    assert (problem.pointer, problem.code) == ("/stages/0/config/text/x/1", "template-syntax")
    assert "at character" in problem.message


def test_bad_syntax_is_told_in_when_and_expression_fields():
    raw = document(note("a", when="1 +"), stage("b", "note", test="{{ 1 + }}"), note("c", when=""))

    assert problems(raw) == [
        ("/stages/0/when", "template-syntax"),
        ("/stages/1/config/test", "template-syntax"),
        ("/stages/2/when", "template-syntax"),
    ]


def test_an_unknown_root_is_told():
    raw = document(note("a", text="{{ inptu.x }}"), note("b", when="nope"))

    assert problems(raw) == [
        ("/stages/0/config/text", "unknown-root"),
        ("/stages/1/when", "unknown-root"),
    ]


def test_item_and_index_are_unknown_outside_of_loops():
    raw = document(note("a", text="{{ item }}"), note("b", when="index > 1"))

    assert problems(raw) == [
        ("/stages/0/config/text", "unknown-root"),
        ("/stages/1/when", "unknown-root"),
    ]


def test_an_expression_field_has_its_own_roots():
    raw = document(note("a"), {**loop("b"), "config": {"items": [], "filter_expression": "index"}})
    other = document(stage("a", "note", test="index"), stage("b", "note", test="item"))

    assert problems(raw) == []
    assert problems(other) == [("/stages/0/config/test", "unknown-root")]


def test_item_is_known_in_a_body_inside_of_a_loop():
    raw = document(
        loop("each", "t"), stage("t", "attempt", first=["a"]), note("a", text="{{ item }}")
    )

    assert problems(raw) == []


def test_an_unknown_function_is_told():
    raw = document(note("a", text="{{ shout(input) }}", when="input | shout"))

    assert problems(raw) == [
        ("/stages/0/config/text", "unknown-function"),
        ("/stages/0/when", "unknown-function"),
    ]


def test_error_exists_in_bodies_after_an_error_only():
    raw = document(
        stage("t", "attempt", first=["a"], rescue=["b"], pass_data="{{ error }}"),
        note("a", text=["{{ error.type }}"]),
        note("b", text="{{ error.type }}"),
    )

    assert problems(raw) == [
        ("/stages/0/config/pass_data", "error-outside-catch"),
        ("/stages/1/config/text/0", "error-outside-catch"),
    ]


def test_a_component_refuses_its_own_constants():
    raw = document(stage("a", "json_transform", data=1, jmespath_expression="a["))

    assert problems(raw) == [("/stages/0/config/jmespath_expression", "wrong-config-type")]


GOOD_CASE = {"value": 1, "route": "a"}


@pytest.mark.parametrize(
    ("case", "below"),
    [
        ({"value": 1}, "route"),
        ({"route": "a"}, "value"),
        ({**GOOD_CASE, "weight": 0}, "weight"),
        ({**GOOD_CASE, "weight": "heavy"}, "weight"),
        ({**GOOD_CASE, "wieght": 1}, "wieght"),
        ({**GOOD_CASE, "else": {"routs": []}}, "else/routs"),
        ({**GOOD_CASE, "else": []}, "else"),
        ({"value": "{{ input.x }}"}, "route"),
        ({"value": "{{ input.x }}", "route": "a", "wieght": 1}, "wieght"),
        ({"value": "{{ input.x }}", "route": "a", "weight": "heavy"}, "weight"),
        ({"value": "{{ input.x }}", "route": "a", "else": {"routs": []}}, "else/routs"),
        ({"value": 1, "route": "{{ input.x }}"}, "route"),
    ],
)
def test_a_member_that_does_not_fit_is_told_at_its_place(case, below):
    raw = document(note("a"), stage("c", "cases", cases=[GOOD_CASE, case], first=GOOD_CASE))

    assert problems(raw) == [(f"/stages/1/config/cases/1/{below}", "wrong-config-type")]


@pytest.mark.parametrize(
    "case",
    [
        {**GOOD_CASE, "weight": "2"},
        {**GOOD_CASE, "weight": None, "else": None},
        {**GOOD_CASE, "weight": "{{ input.weight }}"},
        {"value": {"deep": ["{{ input.x }}"]}, "route": "a", "else": {"routes": ["a"]}},
        {"value": None, "route": "a"},
    ],
)
def test_members_that_fit_or_may_fit_are_no_problem(case):
    assert problems(document(note("a"), stage("c", "cases", cases=[case], first=case))) == []


def test_several_wrong_members_are_told_at_once():
    raw = document(note("a"), stage("c", "cases", cases=[{"value": "{{ input }}", "x": 1}]))

    assert problems(raw) == [
        ("/stages/1/config/cases/0/x", "wrong-config-type"),
        ("/stages/1/config/cases/0/route", "wrong-config-type"),
    ]


def test_a_member_that_names_no_stage_is_an_unknown_target():
    case = {"value": "{{ input.x }}", "route": "nope", "else": {"routes": ["a", "gone"]}}
    raw = document(note("a"), stage("c", "cases", cases=[case]))

    assert problems(raw) == [
        ("/stages/1/config/cases/0/route", "unknown-target"),
        ("/stages/1/config/cases/0/else/routes/1", "unknown-target"),
    ]


def test_each_wrong_part_of_a_constant_is_told():
    cases = [{"value": 1}, {"value": 2, "route": 3, "rout": 4}, 5, {"route": "a"}]

    found = problems(document(stage("a", "switch_router", data=1, cases=cases)))

    assert found == [
        ("/stages/0/config/cases/0/route", "wrong-config-type"),
        ("/stages/0/config/cases/1/rout", "wrong-config-type"),
        ("/stages/0/config/cases/2", "wrong-config-type"),
        ("/stages/0/config/cases/3/value", "wrong-config-type"),
    ]


def test_array_that_is_too_short_is_told_as_a_whole():
    found = problems(document(stage("a", "retry", task=[])))

    assert found == [("/stages/0/config/task", "wrong-config-type")]
