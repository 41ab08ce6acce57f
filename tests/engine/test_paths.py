"""Dotted paths."""

import pytest

from app.engine.paths import follow, parse_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ("a",)),
        ("a.0.b", ("a", "0", "b")),
        ("a[0].b", ("a", "0", "b")),
        ("a[0][-1]", ("a", "0", "-1")),
        ("[2].a", ("2", "a")),
        ("a[x]", ("a[x]",)),
        ("a[1", ("a[1",)),
        ("", ("",)),
    ],
)
def test_path_with_brackets_has_its_parts(text, expected):
    assert parse_path(text, brackets=True) == expected


def test_path_without_brackets_keeps_them_in_names():
    assert parse_path("a[0].b") == ("a[0]", "b")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.0.b", 1), ("a.-1", 5), ("0", "digit"), ("n", None)],
)
def test_path_leads_through_objects_and_arrays(path, expected):
    value = {"a": [{"b": 1}, 5], "0": "digit", "n": None}

    assert follow(value, parse_path(path)) == expected


@pytest.mark.parametrize("path", ["b", "a.2", "a.-3", "a.x", "a.0.b.c", "n.x", "a.1e0", "a.٠"])
def test_path_that_leads_nowhere_is_a_key_error(path):
    with pytest.raises(KeyError):
        follow({"a": [{"b": 1}, 5], "n": None}, parse_path(path))
