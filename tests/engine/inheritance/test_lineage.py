"""Following `extends`: parents that are missing, circles, and lines that are too long."""

from app.engine.inheritance import resolve
from tests.engine.inheritance.family import (
    all_problems,
    base,
    child,
    family,
    own_problems,
    resolved,
)
from tests.engine.pieces import note


def message(*documents):
    """The sentence of the only problem of the last document's inheritance."""
    (found,) = resolved(*documents).problems
    return found.problem.message


def line(length):
    """Documents, each the parent of the next."""
    return [
        {"name": f"p{n}", **({"extends": f"p{n - 1}"} if n else {}), "stages": [note(f"s{n}")]}
        for n in range(length)
    ]


def test_unknown_parent_is_named():
    assert own_problems(child(extends="ghost")) == [("child", "/extends", "unknown-parent")]
    assert message(child(extends="ghost")) == "There is no pipeline 'ghost'."


def test_unknown_parent_of_a_parent_is_told_with_the_parent():
    middle = child(name="middle", extends="ghost")

    found = own_problems(middle, child(extends="middle"))

    assert found == [("middle", "/extends", "unknown-parent")]


def test_unknown_version_of_a_parent_is_unknown():
    found = own_problems(base(version="1.0.0"), child(extends="base@2.0.0"))

    assert found == [("child", "/extends", "unknown-parent")]


def test_document_that_extends_itself_is_a_cycle():
    assert own_problems(child(extends="child")) == [("child", "/extends", "inheritance-cycle")]
    assert message(child(extends="child")) == "child -> child"


def test_cycle_is_told_where_it_begins_with_the_way_around():
    circle = [child(name="b", extends="c"), child(name="c", extends="b")]
    outside = child(name="a", extends="b")

    assert own_problems(*circle, outside) == [("b", "/extends", "inheritance-cycle")]
    assert message(*circle, outside) == "b -> c -> b"


def test_ten_documents_may_stand_above_one():
    resolution = resolved(*line(11))

    assert resolution.problems == ()
    assert len(resolution.document["stages"]) == 11


def test_eleven_documents_above_one_are_too_many():
    assert own_problems(*line(12)) == [("p11", "/extends", "inheritance-depth")]


def test_line_of_many_is_followed_only_so_far():
    asked = []

    def find(reference):
        asked.append(reference)
        return family(*line(1000)).get(reference)

    top = family(*line(1000))["p999"]
    resolve(type(top)(top.place, top.raw, find))

    assert asked == ["p998"]


def test_what_a_missing_parent_may_bring_is_no_problem():
    orphan = child(
        note("a", "inherited", text="{{ upstream.inherited }}"),
        extends="ghost",
        overrides={"inherited": {"timeout_ms": 500}},
        output_stage_id="inherited",
    )

    assert all_problems(orphan) == [("child", "/extends", "unknown-parent")]


def test_what_no_parent_can_mend_is_told_beside_a_missing_one():
    found = all_problems(child(note("a", text="{{ 1 + }}"), extends="ghost", max_concurrency=0))

    assert found == [
        ("child", "/extends", "unknown-parent"),
        ("child", "/max_concurrency", "wrong-type"),
        ("child", "/stages/0/config/text", "template-syntax"),
    ]
