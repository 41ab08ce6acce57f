"""Where two JSON values differ."""

from __future__ import annotations

import pytest

from app.core.difference import differences, is_same


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1, "b": [2, {"c": None}]}, {"b": [2, {"c": None}], "a": 1}),
        (1, 1.0),
        ([], []),
        (None, None),
    ],
)
def test_equal_values_differ_nowhere(old, new):
    assert list(differences(old, new)) == []
    assert is_same(old, new)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (1, True, [("", 1, True)]),
        (0, False, [("", 0, False)]),
        (0, None, [("", 0, None)]),
        ("1", 1, [("", "1", 1)]),
        ({}, [], [("", {}, [])]),
        ({"a": 1}, None, [("", {"a": 1}, None)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [("/a/c", 2, 3)]),
        ({"a": 1}, {"b": 1}, [("/a", 1, None), ("/b", None, 1)]),
        ([1, 2, 3], [1, 5], [("/1", 2, 5), ("/2", 3, None)]),
        ([], [{"x": 1}], [("/0", None, {"x": 1})]),
        ({"a": None}, {}, [("/a", None, None)]),
        ({"a/b~": [1]}, {"a/b~": [2]}, [("/a~1b~0/0", 1, 2)]),
    ],
)
def test_innermost_places_are_told(old, new, found):
    assert list(differences(old, new)) == found
    assert not is_same(old, new)


def test_deep_values_are_compared():
    old, new = 1, 2
    for _ in range(250):
        old, new = [old], [new]

    (one,) = differences(old, new)

    assert one.path == "/0" * 250
