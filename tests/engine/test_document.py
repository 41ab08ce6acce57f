"""Reading documents: aliases, defaults, order of members."""

import pytest

from app.engine.document import RetryPolicy, normalize, read_document
from tests.engine.pieces import document


def only_stage(**members):
    return read_document(document({"id": "a", "component_type": "note", **members})).stages[0]


def test_a_document_of_a_name_gets_every_default():
    shown = normalize({"name": "Bare"})

    assert shown == {
        "name": "Bare",
        "version": None,
        "description": "",
        "input_schema": {},
        "output_schema": {},
        "stages": [],
        "output_stage_id": None,
        "output_config": None,
        "max_concurrency": 10,
        "tags": [],
        "category": None,
        "is_template": False,
        "sample_input": None,
        "metadata": {},
    }


def test_members_are_shown_in_the_order_of_the_contract():
    shown = normalize({"tags": [], "stages": [{"type": "note", "id": "a"}], "name": "Mixed"})

    assert list(shown)[:3] == ["name", "version", "description"]
    assert list(shown["stages"][0]) == [
        "id",
        "component_type",
        "name",
        "config",
        "depends_on",
        "when",
        "timeout_ms",
        "retry",
        "on_error",
        "llm",
        "position",
    ]


def test_members_of_free_values_keep_their_order():
    shown = normalize(document(metadata={"z": 1, "a": {"y": 1, "b": 2}}))

    assert list(shown["metadata"]) == ["z", "a"]
    assert list(shown["metadata"]["a"]) == ["y", "b"]


def test_a_normal_document_stays_as_it_is():
    raw = document({"id": "a", "type": "note", "retry_config": {"max_retries": 2}})

    once = normalize(raw)

    assert normalize(once) == once


def test_what_is_shown_shares_nothing_with_what_was_given():
    raw = document(metadata={"a": []})

    normalize(raw)["metadata"]["a"].append(1)

    assert raw["metadata"] == {"a": []}


def test_two_documents_share_no_default():
    normalize({"name": "One"})["tags"].append("x")

    assert normalize({"name": "Two"})["tags"] == []


@pytest.mark.parametrize("alias", ["component_type", "component", "type"])
def test_each_name_of_the_component_type_is_read(alias):
    stage = normalize(document({"id": "a", alias: "note"}))["stages"][0]

    assert stage["component_type"] == "note"


def test_the_canonical_name_wins_over_its_alias():
    stage = normalize(document({"id": "a", "type": "x", "component_type": "note"}))["stages"][0]

    assert stage["component_type"] == "note"


def test_config_wins_over_input_mapping_key_by_key():
    stage = only_stage(input_mapping={"a": 1, "b": 1}, config={"b": 2})

    assert stage.config == {"a": 1, "b": 2}


def test_max_retries_are_attempts_less_one():
    stage = only_stage(retry_config={"max_retries": 3, "backoff_multiplier": 1.5})

    assert stage.retry == RetryPolicy(max_attempts=4, multiplier=1.5)


def test_retry_wins_over_retry_config():
    stage = only_stage(retry={"max_attempts": 2}, retry_config={"max_retries": 9})

    assert stage.retry.max_attempts == 2


def test_stop_sequences_are_stop():
    stage = only_stage(llm_settings={"model": "m", "stop_sequences": ["x"]})

    assert stage.llm == {
        "provider": None,
        "model": "m",
        "temperature": None,
        "max_tokens": None,
        "top_p": None,
        "stop": ["x"],
    }


def test_propagate_is_fail():
    assert only_stage(on_error="propagate").on_error == "fail"


def test_depends_on_is_kept_as_written():
    stage = normalize(document({"id": "a", "type": "note", "depends_on": ["c", "b", "c"]}))

    assert stage["stages"][0]["depends_on"] == ["c", "b", "c"]
