"""Expressions by the engine and by the reference: the same texts are read, to the same values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.errors import StageError
from app.engine.expressions import ExpressionSyntaxError, compile_expression
from tests.engine.expressions.conftest import INPUT, FixedNames
from tests.engine.expressions.conftest import UPSTREAM as OUTPUTS
from tests.engine.expressions.test_examples import EXAMPLES
from tests.engine.reference.language.basics import Broken, Lost
from tests.engine.reference.language.expressions import evaluate, resolve
from tests.engine.reference.language.syntax import read
from tests.engine.reference.language.tokens import Unreadable
from tests.engine.reference.language.values import matches
from tests.engine.reference.profile import THOROUGH, examples
from tests.engine.reference.writing.expressions import UPSTREAM, VALUES, expressions

FAILED = "no value"
patient = pytest.mark.timeout(7200 if THOROUGH else 60)


class Names:
    """The names of an expression, for the reference."""

    def __init__(self, input: Any, outputs: dict[str, Any]) -> None:
        self.input = input
        self.outputs = outputs

    def root(self, name: str) -> Any:
        if name != "input":
            raise Lost(name)
        return self.input

    def upstream(self, stage_id: str) -> Any:
        if stage_id not in self.outputs:
            raise Lost(stage_id)
        return self.outputs[stage_id]


def engine_value(text: str) -> Any:
    try:
        return compile_expression(text).evaluate(FixedNames({"input": VALUES}, UPSTREAM))
    except StageError as failed:
        assume("steps" not in failed.message and "bytes" not in failed.message)
        return FAILED


def reference_value(text: str) -> Any:
    try:
        return evaluate(read(text), Names(VALUES, UPSTREAM))
    except Broken:
        return FAILED


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_reference_gives_the_examples_of_the_contract(text, expected):
    assert matches(resolve(text, Names(INPUT, OUTPUTS)), expected)


@patient
@examples(400)
@given(expressions())
def test_expression_has_the_value_of_the_reference(text):
    assert matches(engine_value(text), reference_value(text))


WORDS = st.sampled_from(
    "( ) [ ] { } . , : | + - * / // % == < ! = in not and or if else true null None input upstream "
    'vars nope default length range "a" \'b\' 1 0.5 01 1e9 __x n "\\u00e9" "\\x" - |'.split(" ")
)


@patient
@examples(400)
@given(expressions(), st.lists(st.tuples(st.integers(0, 99), WORDS), min_size=1, max_size=3))
def test_text_is_an_expression_for_both_or_for_none(text, changes):
    for place, word in changes:
        at = len(text) * place // 100
        text = f"{text[:at]} {word} {text[at + place % 3 :]}"

    assert engine_reads(text) == reference_reads(text)


@patient
@examples(300)
@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_words_are_an_expression_for_both_or_for_none(text):
    assert engine_reads(text) == reference_reads(text)


def engine_reads(text: str) -> bool:
    try:
        compile_expression(text)
    except ExpressionSyntaxError:
        return False
    return True


def reference_reads(text: str) -> bool:
    try:
        read(text)
    except Unreadable:
        return False
    return True
