"""Overrides: partial stages laid over inherited ones."""

import pytest

from tests.engine.inheritance.family import all_problems, base, child, own_problems, stages
from tests.engine.pieces import note


def overridden(stage, override):
    """An inherited stage as it is saved after an override."""
    return stages(base(stage), child(overrides={stage["id"]: override}))[stage["id"]]


def test_objects_merge_and_other_values_replace():
    stage = note("a", text={"kept": 1, "deep": {"x": 1, "y": [1, 2]}}, when="true", timeout_ms=500)

    found = overridden(
        stage, {"config": {"text": {"deep": {"y": [3]}, "new": 4}}, "timeout_ms": 900}
    )

    assert found["config"] == {"text": {"kept": 1, "deep": {"x": 1, "y": [3]}, "new": 4}}
    assert (found["when"], found["timeout_ms"]) == ("true", 900)


def test_null_replaces():
    assert overridden(note("a", when="true"), {"when": None})["when"] is None


def test_override_applies_to_the_stage_that_replaced_the_inherited_one():
    found = stages(
        base(note("a", text="parent")),
        child(note("a", text="child", when="true"), overrides={"a": {"config": {"count": 2}}}),
    )

    assert found["a"]["config"] == {"text": "child", "count": 2}


def test_overrides_of_a_line_apply_one_after_the_other():
    oldest = base(note("a", text={"a": 1, "b": 1, "c": 1}))
    middle = child(name="middle", overrides={"a": {"config": {"text": {"b": 2, "c": 2}}}})
    youngest = child(extends="middle", overrides={"a": {"config": {"text": {"c": 3}}}})

    found = stages(oldest, middle, youngest)

    assert found["a"]["config"]["text"] == {"a": 1, "b": 2, "c": 3}


def test_replacing_a_stage_ends_the_overrides_before_it():
    middle = child(name="middle", overrides={"a": {"when": "true"}})

    found = stages(base(note("a")), middle, child(note("a", text="new"), extends="middle"))

    assert found["a"]["when"] is None


@pytest.mark.parametrize("below", ["config", "input_mapping"])
@pytest.mark.parametrize("above", ["config", "input_mapping"])
def test_inputs_merge_under_either_name_and_the_override_wins(below, above):
    stage = {"id": "a", "type": "note", below: {"text": "old", "count": 1}}

    found = overridden(stage, {above: {"text": "new", "even": 4}})

    assert found["config"] == {"text": "new", "count": 1, "even": 4}


def test_override_of_inputs_goes_over_both_names_that_a_stage_uses():
    stage = {
        "id": "a",
        "type": "note",
        "input_mapping": {"text": "mapped", "count": 1},
        "config": {"text": "config"},
    }

    found = overridden(stage, {"input_mapping": {"text": "override"}})

    assert found["config"] == {"text": "override", "count": 1}


@pytest.mark.parametrize("below", ["component_type", "component", "type"])
@pytest.mark.parametrize("above", ["component_type", "component", "type"])
def test_component_is_replaced_under_any_name(below, above):
    assert overridden({"id": "a", below: "note"}, {above: "logger"})["component_type"] == "logger"


def test_retry_config_merges_into_retry():
    stage = note("a", retry={"max_attempts": 5, "initial_delay_ms": 10, "multiplier": 3})

    found = overridden(stage, {"retry_config": {"max_retries": 1, "backoff_multiplier": 4}})

    assert found["retry"] == {
        "max_attempts": 2,
        "initial_delay_ms": 10,
        "max_delay_ms": 30_000,
        "multiplier": 4,
        "jitter": True,
        "retry_on": [],
    }


def test_retry_merges_into_retry_config():
    stage = note("a", retry_config={"max_retries": 4, "jitter": False})

    found = overridden(stage, {"retry": {"multiplier": 5}})

    assert (found["retry"]["max_attempts"], found["retry"]["jitter"]) == (5, False)
    assert found["retry"]["multiplier"] == 5


def test_llm_merges_into_llm_settings():
    stage = note("a", llm_settings={"model": "m", "stop_sequences": ["x"], "top_p": 0.5})

    found = overridden(stage, {"llm": {"stop": ["y"], "temperature": 1}})

    assert found["llm"] == {
        "provider": None,
        "model": "m",
        "temperature": 1,
        "max_tokens": None,
        "top_p": 0.5,
        "stop": ["y"],
    }


def test_position_merges():
    found = overridden(note("a", position={"x": 1, "y": 2}), {"position": {"x": 5}})

    assert found["position"] == {"x": 5, "y": 2}


def test_id_of_the_stage_may_be_repeated():
    assert overridden(note("a"), {"id": "a", "name": "A"})["name"] == "A"


def test_target_that_is_not_inherited_is_unknown():
    found = own_problems(
        base(note("a")), child(note("b"), overrides={"b": {"when": "true"}, "c/d": {}})
    )

    assert found == [
        ("child", "/overrides/b", "unknown-override"),
        ("child", "/overrides/c~1d", "unknown-override"),
    ]


def test_without_parent_every_target_is_unknown():
    found = own_problems(base(note("a"), overrides={"a": {}}))

    assert found == [("base", "/overrides/a", "unknown-override")]


@pytest.mark.parametrize(
    ("override", "pointer", "code"),
    [
        (5, "", "wrong-type"),
        ({"id": "b"}, "/id", "wrong-type"),
        ({"timeuot_ms": 500}, "/timeuot_ms", "unknown-field"),
        ({"timeout_ms": 5}, "/timeout_ms", "wrong-type"),
        ({"config": []}, "/config", "wrong-type"),
        ({"retry_config": {"max_retries": 99}}, "/retry_config/max_retries", "wrong-type"),
        ({"llm_settings": {"stop_sequences": 1}}, "/llm_settings/stop_sequences", "wrong-type"),
        ({"depends_on": [1]}, "/depends_on/0", "wrong-type"),
    ],
)
def test_wrong_override_is_told_once_where_it_stands(override, pointer, code):
    found = all_problems(base(note("a")), child(overrides={"a": override}))

    assert found == [("child", f"/overrides/a{pointer}", code)]


def test_what_is_right_in_an_override_counts_beside_what_is_wrong():
    parent = base({"id": "a", "component_type": "break"})

    found = all_problems(
        parent, child(abstract=True, overrides={"a": {"config": {"condition": True}, "x": 1}})
    )

    assert found == [("child", "/overrides/a/x", "unknown-field")]
