"""Assertions of pipeline tests (contract 05, Tests): values in, verdicts out; pure.

`paths` says where an assertion looks, `checks` what each type asks of the value there, `assertion`
puts both together; `expectation` is for runs that are to fail.
"""

from app.engine.assertions.assertion import ASSERTION_TYPES, Assertion, Verdict, read_assertion
from app.engine.assertions.checks import CHECKS
from app.engine.assertions.expectation import ExpectedError
from app.engine.assertions.paths import BadPath, read_path

__all__ = [
    "ASSERTION_TYPES",
    "CHECKS",
    "Assertion",
    "BadPath",
    "ExpectedError",
    "Verdict",
    "read_assertion",
    "read_path",
]
