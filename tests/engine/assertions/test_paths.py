from __future__ import annotations

import pytest

from app.engine.assertions import BadPath, read_path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ()),
        ("$", ()),
        ("output", ("output",)),
        ("$.output.a", ("output", "a")),
        ("output.items.0.id", ("output", "items", "0", "id")),
        ("output.items[-1].id", ("output", "items", "-1", "id")),
        ('output["a.b"]["c\\"d"]', ("output", "a.b", 'c"d')),
        ('["first name"].x', ("first name", "x")),
        ('$["$"]', ("$",)),
        ("output.0", ("output", "0")),
        ("sträng.größe", ("sträng", "größe")),
    ],
)
def test_path_has_its_steps(text, steps):
    assert read_path(text) == steps


@pytest.mark.parametrize(
    "text", ["a..b", ".a", "a.", "a[", "a[x]", "a]b", "a['b']", 'a["b]', 'a["\\x"]', "$.", "a[0]b"]
)
def test_what_is_no_path_is_refused(text):
    with pytest.raises(BadPath):
        read_path(text)


def test_refusal_names_the_character():
    with pytest.raises(BadPath, match="character 9"):
        read_path("$.output[[")
