"""Random text against the reader; for values see tests.engine.reference.test_expressions."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import StageError
from app.engine.expressions import ExpressionSyntaxError, compile_expression, compile_value
from tests.engine.expressions.conftest import FixedNames

VALUES: dict[str, Any] = {"n": 5, "s": "abc", "l": [1, "b", None]}
NAMES = FixedNames({"input": VALUES}, {"st": {"n": 9}, "off": None})

PIECES = st.sampled_from(
    "{{ }} ( ) [ ] { } . , : | + - * / // % == < ! = in not and or if else true null input "
    'upstream vars default length range 1 0.5 1e9 "a" \' " \\ __x nope n \n'.split(" ")
)


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES, max_size=25).map(" ".join) | st.lists(PIECES, max_size=25).map("".join))
def test_random_words_are_a_problem_or_give_a_value_or_a_stage_error(text):
    try:
        compile_expression(text).evaluate(NAMES)
        compile_value(["{{" + text + "}}", text]).resolve(NAMES)
    except (ExpressionSyntaxError, StageError):
        pass


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_random_text_is_a_problem_or_an_expression(text):
    for read in (compile_expression, compile_value):
        try:
            read(text)
        except ExpressionSyntaxError as problem:
            assert problem.code in ("template-syntax", "unknown-root", "unknown-function")
