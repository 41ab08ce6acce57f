"""A JSON pointer is found in the text that it points into."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.files.lines import Lines, line_of_duplicate
from app.core import wire

TEXT = """{
  "a": {"b": [1,
    "},[\\"",
    {"c/d": {},
     "": null}]},
  "e~f":
    [[], [2,
      3]]
}"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 1),
        ("/a", 2),
        ("/a/b", 2),
        ("/a/b/1", 3),
        ("/a/b/2", 4),
        ("/a/b/2/c~1d", 4),
        ("/a/b/2/", 5),
        ("/e~0f", 6),
        ("/e~0f/0", 7),
        ("/e~0f/1/1", 8),
        ("/a/b/7", 2),
        ("/gone/far/away", 1),
    ],
)
def test_line_is_that_of_the_member_or_of_what_is_around_it(pointer, line):
    assert Lines(TEXT).of(pointer) == line


def test_first_member_that_stands_twice_is_found():
    assert line_of_duplicate('{"a": {"x": 1},\n"b": {"x": 2},\n"b": {}}') == 3


def test_text_without_one_has_no_duplicate():
    assert line_of_duplicate('[{"x": 1}, {"x": 1}]') is None


def pointers(value, path=()):
    """Every pointer into a value, in document order."""
    if path:
        yield wire.pointer(*path)
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from pointers(item, (*path, step))


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
        ),
    )
)
def test_every_pointer_of_a_written_value_has_its_own_line(value):
    text = json.dumps(value, indent=1)

    lines = [Lines(text).of(pointer) for pointer in pointers(value)]

    assert lines == sorted(set(lines))
    assert all(line > 1 for line in lines)
