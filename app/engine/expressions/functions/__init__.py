"""The functions of the expression language: a `table` of names, and files by what they work on.

Rule: each counts its work in the State that it is given, before it does it.
"""

from app.engine.expressions.functions.table import FORGIVING, FUNCTIONS, arity

__all__ = ["FORGIVING", "FUNCTIONS", "arity"]
