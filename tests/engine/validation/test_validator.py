"""Problems of documents: their members, every one at once, in document order."""

import copy

import pytest

from app.engine.document import normalize
from app.engine.validation import validate_document
from tests.engine.pieces import GOOD, REGISTRY, document, note, problems, stage


def test_a_good_document_has_no_problems():
    assert problems(GOOD) == []


def test_the_stored_form_of_a_good_document_has_no_problems():
    assert problems(normalize(GOOD)) == []


def test_a_document_may_be_a_name_alone():
    assert problems({"name": "Bare"}) == []


def test_aliases_are_accepted():
    raw = {
        "id": "a",
        "type": "note",
        "input_mapping": {"text": 1},
        "retry_config": {"max_retries": 10, "backoff_multiplier": 2.5},
        "llm_settings": {"stop_sequences": ["x"]},
        "on_error": "propagate",
    }

    assert problems(document(raw)) == []


def test_what_an_alias_hides_is_not_looked_at():
    raw = note("a", retry={}, retry_config={"max_retries": 99})

    assert problems(document(raw)) == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", ""),
        ("name", None),
        ("name", "x" * 101),
        ("name", " x"),
        ("name", "a@b"),
        ("name", "a/b"),
        ("name", "a\nb"),
        ("name", "pl-01jzabcdefghjkmnpqrstvwxyz"),
        ("version", "1.0"),
        ("version", "1.0.0+build"),
        ("version", "01.0.0"),
        ("version", "1.0.0-01"),
        ("description", None),
        ("description", "x" * 10_001),
        ("description", "a\0b"),
        ("input_schema", []),
        ("output_schema", True),
        ("stages", None),
        ("stages", {}),
        ("output_stage_id", 1),
        ("output_config", {}),
        ("max_concurrency", 0),
        ("max_concurrency", 101),
        ("max_concurrency", True),
        ("max_concurrency", 10.0),
        ("max_concurrency", "10"),
        ("tags", ["x"] * 21),
        ("tags", "x"),
        ("category", ""),
        ("is_template", 1),
        ("metadata", []),
        ("metadata", {"x": "y" * 16_384}),
    ],
)
def test_a_wrong_member_of_the_document_is_a_wrong_type(member, value):
    assert problems({"name": "Test", member: value}) == [(f"/{member}", "wrong-type")]


@pytest.mark.parametrize(
    ("member", "value", "below"),
    [
        ("id", "1a", ""),
        ("id", "a" * 65, ""),
        ("id", None, ""),
        ("component_type", 5, ""),
        ("name", 5, ""),
        ("config", None, ""),
        ("config", [], ""),
        ("input_mapping", 5, ""),
        ("depends_on", "a", ""),
        ("depends_on", [5], "/0"),
        ("when", True, ""),
        ("timeout_ms", 99, ""),
        ("timeout_ms", 600_001, ""),
        ("timeout_ms", "1000", ""),
        ("retry", None, ""),
        ("retry", {"max_attempts": 12}, "/max_attempts"),
        ("retry", {"multiplier": 0.5}, "/multiplier"),
        ("retry", {"retry_on": ["TIMEOUT", "NOPE"]}, "/retry_on/1"),
        ("retry_config", {"max_retries": 11}, "/max_retries"),
        ("on_error", "ignore", ""),
        ("llm", {"temperature": 2.1}, "/temperature"),
        ("llm", {"stop": ["a", 1]}, "/stop/1"),
        ("llm_settings", {"stop_sequences": "x"}, "/stop_sequences"),
        ("position", {"x": "1", "y": 1}, "/x"),
    ],
)
def test_a_wrong_member_of_a_stage_is_a_wrong_type(member, value, below):
    raw = document({**note("a"), member: value})

    assert problems(raw) == [(f"/stages/0/{member}{below}", "wrong-type")]


def test_a_stage_that_is_no_object_is_a_wrong_type():
    assert problems(document(7, None)) == [("/stages/0", "wrong-type"), ("/stages/1", "wrong-type")]


def test_more_than_two_thousand_stages_are_refused_as_a_whole():
    raw = {"name": "Test", "stages": [5] * 2001, "output_stage_id": "a"}

    assert problems(raw) == [("/stages", "wrong-type")]


@pytest.mark.parametrize("raw", [None, 5, "x", [], [{}]])
def test_what_is_no_object_is_a_wrong_type(raw):
    assert problems(raw) == [("", "wrong-type")]


def test_absent_members_are_missing_fields():
    assert problems({"stages": [{}, note("a", position={"x": 1})]}) == [
        ("/stages/0/id", "missing-field"),
        ("/stages/0/component_type", "missing-field"),
        ("/stages/1/position/y", "missing-field"),
        ("/name", "missing-field"),
    ]


@pytest.mark.parametrize("member", ["extends", "overrides", "abstract", "$schema", "id", "nmae"])
def test_unknown_members_of_the_document_are_told(member):
    assert problems({"name": "Test", member: None}) == [(f"/{member}", "unknown-field")]


def test_unknown_members_of_stages_and_their_parts_are_told():
    raw = document(
        note("a", timeuot=1, retry={"max_retries": 1}, llm={"stop_sequences": []}),
        note("b", position={"x": 1, "y": 1, "z/~": 1}),
    )

    assert problems(raw) == [
        ("/stages/0/timeuot", "unknown-field"),
        ("/stages/0/retry/max_retries", "unknown-field"),
        ("/stages/0/llm/stop_sequences", "unknown-field"),
        ("/stages/1/position/z~1~0", "unknown-field"),
    ]


@pytest.mark.parametrize(
    "schema", [{"type": "strng"}, {"pattern": "(?=x)"}, {"$ref": "https://example.com/x.json"}]
)
def test_what_is_no_usable_schema_is_a_bad_schema(schema):
    raw = {"name": "Test", "input_schema": schema, "output_schema": schema}

    assert problems(raw) == [("/input_schema", "bad-schema"), ("/output_schema", "bad-schema")]


def test_the_later_stage_of_an_id_is_the_duplicate():
    assert problems(document(note("a"), note("b"), note("a"))) == [
        ("/stages/2/id", "duplicate-stage-id")
    ]


@pytest.mark.parametrize("name", ["component_type", "component", "type"])
def test_an_unknown_component_is_told_at_the_name_its_author_used(name):
    assert problems(document({"id": "a", name: "nope"})) == [
        (f"/stages/0/{name}", "unknown-component")
    ]


def test_a_stage_of_an_unknown_component_can_be_depended_on():
    raw = document(stage("a", "nope", x="{{ upstream.c }}"), note("b", "a"), note("c"))

    assert problems(raw) == [("/stages/0/component_type", "unknown-component")]


def test_all_problems_are_told_at_once_in_document_order():
    raw = {
        "nmae": "x",
        "stages": [
            {
                "id": "a",
                "component_type": "http_request",
                "config": {"ulr": 1, "timeout": "long", "body": "{{ upstream.nope }} {{ ( }}"},
                "depends_on": ["b", "zzz"],
                "timeuot": 1,
            },
            {"id": "b", "type": "nope", "depends_on": ["a"], "timeout_ms": "5"},
            {"id": "a", "type": "note", "when": "foo(1)"},
        ],
        "input_schema": {"type": 5},
        "output_stage_id": "gone",
    }

    assert problems(raw) == [
        ("/nmae", "unknown-field"),
        ("/stages/0/config/ulr", "unknown-config"),
        ("/stages/0/config/timeout", "wrong-config-type"),
        ("/stages/0/config/body", "template-syntax"),
        ("/stages/0/config/url", "missing-config"),
        ("/stages/0/depends_on", "cycle"),
        ("/stages/0/depends_on/1", "unknown-dependency"),
        ("/stages/0/timeuot", "unknown-field"),
        ("/stages/1/type", "unknown-component"),
        ("/stages/1/timeout_ms", "wrong-type"),
        ("/stages/2/id", "duplicate-stage-id"),
        ("/stages/2/when", "unknown-function"),
        ("/input_schema", "bad-schema"),
        ("/output_stage_id", "unknown-output-stage"),
        ("/name", "missing-field"),
    ]


def test_validation_leaves_the_document_alone():
    raw = copy.deepcopy(GOOD)

    validate_document(raw, REGISTRY)

    assert raw == GOOD
