"""Warnings: what is worth a look in a document that can be saved and run."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from app.engine.document import read_document
from app.engine.planner import plan_document
from app.engine.validation import validate_document, warnings_of
from tests.engine.pieces import document, note, stage
from tests.engine.validation.test_any_json import QUICK, mutated
from tests.engine.validation.warned import KNOWN, ends, found


def test_good_document_has_no_warnings():
    stages = (note("a"), note("out", text="{{ upstream.a }}"))

    assert found(document(*stages, output_stage_id="out", sample_input={"n": 1})) == []


SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("sample", "places"),
    [
        ({"n": 1}, []),
        (None, []),
        ({"n": "x"}, ["/sample_input/n"]),
        ({}, ["/sample_input/n"]),
        ("x", ["/sample_input"]),
    ],
)
def test_sample_input_is_held_against_the_input_schema(sample, places):
    raw = document(input_schema=SCHEMA, sample_input=sample)

    assert found(raw) == [(place, "sample-input-invalid") for place in places]


def secrets(config, **members):
    raw = document(stage("a", "note", text=config), **members)
    return [place for place, code in found(raw) if code == "literal-secret"]


@pytest.mark.parametrize(
    "name",
    ["password", "secret", "token", "api_key", "Authorization", "client_secret", "X-API_KEY"],
)
def test_constant_text_under_the_name_of_a_secret_is_told(name):
    assert secrets({name: "hunter2"}) == [f"/stages/0/config/text/{name}"]


@pytest.mark.parametrize(
    "value",
    ["{{ env.TOKEN }}", "Bearer {{ env.TOKEN }}", "", None, 4096, True, {}, ["x"]],
    ids=repr,
)
def test_template_and_what_is_no_text_are_no_literal_secret(value):
    assert secrets({"max_token": value}) == []


def test_literal_secrets_are_found_at_any_depth():
    deep = {"a/b": [{"ok": "x"}, {"token": "t", "more": {"password": "p"}}]}

    assert secrets(deep) == [
        "/stages/0/config/text/a~1b/1/token",
        "/stages/0/config/text/a~1b/1/more/password",
    ]


def test_pointer_uses_the_names_that_the_author_used():
    stages = {"id": "a", "type": "note", "input_mapping": {"text": {"token": "t"}}}

    assert found({"name": "p", "stages": [stages]}) == [
        ("/stages/0/input_mapping/text/token", "literal-secret")
    ]


def test_warnings_are_told_in_document_order():
    raw = {
        "name": "p",
        "sample_input": {},
        "input_schema": SCHEMA,
        "output_stage_id": "out",
        "stages": [
            ends("out"),
            note("b", "out", text={"secret": "s"}),
            note("c"),
        ],
    }

    assert found(raw) == [
        ("/sample_input/n", "sample-input-invalid"),
        ("/stages/1", "unused-stage"),
        ("/stages/1", "unreachable-after-return"),
        ("/stages/1/config/text/secret", "literal-secret"),
        ("/stages/2", "unused-stage"),
    ]


def test_document_with_problems_is_told_what_does_not_depend_on_its_graph():
    raw = document(
        note("a", text={"token": "t"}),
        note("b", "ghost"),
        output_stage_id="b",
        input_schema=SCHEMA,
        sample_input={},
    )

    assert [warning.code for warning in warnings_of(raw, None)] == [
        "literal-secret",
        "sample-input-invalid",
    ]


@QUICK
@given(mutated())
def test_any_document_is_looked_at(raw):
    good = not validate_document(raw, KNOWN)
    plan = plan_document(read_document(raw), KNOWN) if good else None

    assert all(warning.pointer.startswith("/s") for warning in warnings_of(raw, plan))


def test_two_thousand_stages_that_all_depend_on_each_other_are_looked_at_in_time():
    names = [f"s{i}" for i in range(600)]
    stages = [note(name, *names[:i]) for i, name in enumerate(names)]
    chain = [note("c0"), *(note(f"c{i}", f"c{i - 1}") for i in range(1, 1400))]
    raw = document(*stages, *chain, output_stage_id="s599")
    plan = plan_document(read_document(raw), KNOWN)

    began = time.process_time()
    told = warnings_of(raw, plan)

    assert len(told) == 1400
    assert time.process_time() - began < 2
