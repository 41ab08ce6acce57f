"""Problems are told in the document, and under the name, in which the wrong thing was written."""

import pytest

from app.engine.inheritance import Source, resolve
from app.engine.validation import validate_document
from tests.engine.inheritance.family import all_problems, base, child
from tests.engine.pieces import REGISTRY, document, note


def test_problem_of_an_inherited_stage_is_the_parents():
    found = all_problems(base(note("a"), note("b", "ghost")), child(note("a"), note("c")))

    assert found == [("base", "/stages/1/depends_on/0", "unknown-dependency")]


def test_problem_of_an_own_stage_counts_its_own_stages():
    found = all_problems(base(note("a"), note("b")), child(note("c", text="{{ nope }}")))

    assert found == [("child", "/stages/0/config/text", "unknown-root")]


def test_problem_that_an_override_made_is_the_overrides():
    parent = base(note("a", text={"x": "{{ input }}", "y": 1}))

    found = all_problems(
        parent, child(overrides={"a": {"input_mapping": {"text": {"y": "{{ nope }}"}}}})
    )

    assert found == [("child", "/overrides/a/input_mapping/text/y", "unknown-root")]


def test_problem_beside_what_an_override_changed_is_the_parents():
    stage = {"id": "a", "type": "note", "input_mapping": {"text": {"x": "{{ nope }}", "y": 1}}}

    found = all_problems(base(stage), child(overrides={"a": {"config": {"text": {"y": 2}}}}))

    assert found == [("base", "/stages/0/input_mapping/text/x", "unknown-root")]


def test_younger_override_is_blamed_for_what_it_replaced():
    middle = child(name="middle", overrides={"a": {"config": {"text": "{{ nope }}"}}})
    youngest = child(extends="middle", overrides={"a": {"config": {"text": "{{ none }}"}}})

    found = all_problems(base(note("a")), middle, youngest)

    assert found == [("child", "/overrides/a/config/text", "unknown-root")]


def test_component_of_an_override_is_told_under_its_name():
    found = all_problems(base(note("a")), child(overrides={"a": {"type": "ghost"}}))

    assert found == [("child", "/overrides/a/type", "unknown-component")]


def test_what_an_override_removes_by_an_array_is_the_overrides():
    found = all_problems(base(note("a")), child(overrides={"a": {"depends_on": ["ghost"]}}))

    assert found == [("child", "/overrides/a/depends_on/0", "unknown-dependency")]


def test_member_is_told_where_it_was_given():
    parent = base(note("a"), output_stage_id="ghost", max_concurrency=0, desciption="x")

    found = all_problems(parent, child(max_concurrency=101, category=""))

    assert sorted(found) == [
        ("base", "/desciption", "unknown-field"),
        ("base", "/output_stage_id", "unknown-output-stage"),
        ("child", "/category", "wrong-type"),
        ("child", "/max_concurrency", "wrong-type"),
    ]


def test_tag_is_told_where_it_was_given():
    found = all_problems(base(tags=["a", ""]), child(tags=["a", 5]))

    assert found == [("base", "/tags/1", "wrong-type"), ("child", "/tags/1", "wrong-type")]


def test_missing_name_is_the_childs():
    parent = Source("base", base(note("a")), {}.get)
    resolution = resolve(Source("child", {"extends": "base"}, {"base": parent}.get))

    (found,) = resolution.located(validate_document(resolution.document, REGISTRY))

    assert (found.source.place, found.problem.pointer) == ("child", "/name")


def test_second_stage_of_one_id_is_told():
    found = all_problems(base(note("a")), child(note("a"), note("a")))

    assert found == [("child", "/stages/1/id", "duplicate-stage-id")]


@pytest.mark.parametrize("stage", [5, {}, {"id": 5, "type": "note"}, {"id": "a b", "type": "note"}])
def test_stage_without_a_good_id_is_told_where_it_stands(stage):
    found = all_problems(base(note("a")), child(stage))

    assert {(place, pointer[:9]) for place, pointer, _ in found} == {("child", "/stages/0")}


def test_abstract_document_may_lack_what_a_child_brings():
    raw = document(
        {"id": "a", "config": {"text": "{{ upstream.later }}"}, "depends_on": ["later"]},
        {"id": "b", "component_type": "break"},
        abstract=True,
        output_stage_id="later",
    )

    assert all_problems(raw) == []


def test_abstract_document_is_told_what_no_child_can_mend():
    raw = document(note("a", text="{{ 1 + }}"), {"type": "note"}, abstract=True)

    assert all_problems(raw) == [
        ("Test", "/stages/0/config/text", "template-syntax"),
        ("Test", "/stages/1/id", "missing-field"),
    ]
