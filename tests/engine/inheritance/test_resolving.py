"""What a child has of its parent, member by member."""

import copy

import pytest

from app.engine.inheritance import Source, resolve
from tests.engine.inheritance.family import base, child, normal, own_problems, resolved, stages
from tests.engine.pieces import note


def test_a_document_without_parent_is_itself():
    raw = base(note("a", text="x"), tags=["t", "t"], version="2.0.0", is_template=True)

    assert resolved(raw).document == raw


def test_members_of_the_file_form_are_gone():
    raw = {**base(note("a")), "$schema": "pipeline.json", "abstract": False, "overrides": {}}

    assert set(resolved(raw).document) == {"name", "stages"}


def test_childs_stage_replaces_its_parents_in_place_and_others_follow():
    parent = base(note("a"), note("b", text="parent", when="true"), note("c"))

    found = stages(parent, child(note("d"), note("b", text="child")))

    assert list(found) == ["a", "b", "c", "d"]
    assert found["b"]["config"] == {"text": "child"}
    assert found["b"]["when"] is None


@pytest.mark.parametrize(
    ("member", "parents", "childs"),
    [
        ("description", "parent", "child"),
        ("input_schema", {"type": "object"}, {"type": "array"}),
        ("output_schema", {"type": "object"}, {}),
        ("output_stage_id", "a", None),
        ("output_config", {"destinations": []}, {"destinations": [1]}),
        ("category", "parent", "child"),
        ("max_concurrency", 2, 3),
        ("sample_input", {"a": 1}, {"b": 2}),
        ("metadata", {"a": 1}, {"b": 2}),
    ],
)
def test_member_is_the_childs_whole_one_else_the_parents(member, parents, childs):
    parent = base(note("a"), **{member: parents})

    with_it, without = normal(parent, child(**{member: childs})), normal(parent, child())

    assert with_it[member] == childs
    assert without[member] == parents


@pytest.mark.parametrize(("member", "value"), [("version", "3.0.0"), ("is_template", True)])
def test_member_of_the_document_itself_is_not_inherited(member, value):
    assert member not in resolved(base(**{member: value}), child()).document


def test_name_is_not_inherited():
    parent = Source("base", base(note("a")), {}.get)
    nameless = Source("child", {"extends": "base"}, {"base": parent}.get)

    assert "name" not in resolve(nameless).document


def test_abstract_is_not_inherited():
    parent = base(abstract=True)

    assert resolved(parent).abstract
    assert not resolved(parent, child()).abstract


def test_tags_of_the_child_follow_those_it_inherits():
    found = normal(base(tags=["a", "b"]), child(tags=["c", "a"]))

    assert found["tags"] == ["a", "b", "c"]


def test_base_comes_first_in_a_longer_line():
    oldest = base(note("a", text=1), note("b", text=1), description="oldest", category="oldest")
    middle = child(note("b", text=2), name="middle", description="middle")

    found = normal(oldest, middle, child(note("c", text=3), extends="middle"))

    assert [stage["config"]["text"] for stage in found["stages"]] == [1, 2, 3]
    assert (found["description"], found["category"]) == ("middle", "oldest")


def test_a_parent_is_found_by_name_and_version():
    found = normal(base(note("a"), version="1.2.0"), child(extends="base@1.2.0"))

    assert [stage["id"] for stage in found["stages"]] == ["a"]


def test_sources_stay_as_they_were():
    documents = (
        base(note("a", text={"x": 1}), tags=["t"], metadata={"m": []}),
        child(overrides={"a": {"config": {"text": {"y": 2}}}}, tags=["u"]),
    )
    before = copy.deepcopy(documents)

    stages(*documents)

    assert documents == before


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("extends", 5),
        ("extends", "a/b"),
        ("extends", "base@newest"),
        ("extends", "pl-01jz0000000000000000000000"),
        ("abstract", "yes"),
        ("overrides", []),
        ("stages", {}),
        ("tags", "t"),
    ],
)
def test_member_of_another_type_is_named(member, value):
    assert own_problems(base(**{member: value})) == [("base", f"/{member}", "wrong-type")]


def test_wrong_member_of_a_parent_is_told_with_the_parent():
    assert own_problems(base(abstract=1), child()) == [("base", "/abstract", "wrong-type")]


@pytest.mark.parametrize("raw", [[], "text", None, 5])
def test_what_is_no_object_is_one_problem(raw):
    found = resolve(Source("odd", raw, {}.get)).problems

    assert [(each.problem.pointer, each.problem.code) for each in found] == [("", "wrong-type")]
