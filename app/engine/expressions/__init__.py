"""The expression language of contract 01: text in, JSON out, work bounded by steps and size.

Rule: nothing is evaluated that was not compiled, and compiled forms keep nothing of a run.
Text becomes tokens (`lexer`, read through a `cursor`), then nodes (`parser`, `nodes`), then an
Expression (`compiled`); `templates` are JSON values with expressions in their strings. Values are
made by `operators` and `functions`, within the limits of `evaluation`.
"""

from app.engine.expressions.compiled import (
    NOTHING,
    Expression,
    References,
    compile_expression,
)
from app.engine.expressions.evaluation import ExpressionError, Names, Purse, measure
from app.engine.expressions.lexer import ExpressionSyntaxError
from app.engine.expressions.templates import Value, check_value, compile_value
from app.engine.expressions.values import embedded_text, equals

__all__ = [
    "NOTHING",
    "Expression",
    "ExpressionError",
    "ExpressionSyntaxError",
    "Names",
    "Purse",
    "References",
    "Value",
    "check_value",
    "compile_expression",
    "compile_value",
    "embedded_text",
    "equals",
    "measure",
]
