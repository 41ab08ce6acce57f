"""One assertion: read as somebody wrote it, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from app.core import wire
from app.core.wire import JSON
from app.engine.assertions.checks import CHECKS, NUMBER, SCHEMA, Check, schema_refusal
from app.engine.assertions.paths import BadPath, read_path
from app.engine.paths import follow
from app.engine.schema import compile_schema

EXISTS, NOT_EXISTS = "exists", "notExists"
ASSERTION_TYPES = (EXISTS, NOT_EXISTS, *CHECKS)
TOLERANCE = 1e-9

_SHOWN = 200  # characters of a value in a sentence
_VIOLATIONS = 5  # of a schema, in a sentence


class Verdict(NamedTuple):
    """Whether an assertion holds; `actual` is what stands there, null when nothing does.

    `message` says what is wrong, None when nothing is.
    """

    passed: bool
    actual: JSON
    message: str | None


@dataclass(frozen=True, slots=True)
class Assertion:
    """What is to be true of a value. Made by `read_assertion`."""

    path: str
    steps: tuple[str, ...]
    type: str
    value: JSON = None
    message: str | None = None
    tolerance: float = TOLERANCE

    def judge(self, root: JSON) -> Verdict:
        """What is to be said of `root`, which the path begins at."""
        try:
            actual = follow(root, self.steps)
        except KeyError:
            return self._verdict(self.type == NOT_EXISTS, None, "is not there")
        if self.type in (EXISTS, NOT_EXISTS):
            return self._verdict(self.type == EXISTS, actual, "is there")
        check = CHECKS[self.type]
        if not check.asked_of.holds(actual):
            noun = check.asked_of.noun
            return self._verdict(False, actual, f"is {_shown(actual)}, which is not {noun}")
        passed = check.passes(actual, self.value, self.tolerance)
        return self._verdict(passed, actual, "" if passed else self._why(check, actual))

    def _verdict(self, passed: bool, actual: JSON, why: str) -> Verdict:
        said = self.message or f"{self.path or 'The whole'} {why}."
        return Verdict(passed, actual, None if passed else said)

    def _why(self, check: Check, actual: JSON) -> str:
        if self.type == "schema":
            return f"does not fit the schema: {_violations(self.value, actual)}"
        within = f" within {self.tolerance:g}" if self.type == "closeTo" else ""
        return f"is {_shown(actual)}, expected {check.says} {_shown(self.value)}{within}"


def _violations(schema: JSON, actual: JSON) -> str:
    found = islice(compile_schema(schema).errors(actual), _VIOLATIONS)
    return " ".join(f"{pointer or 'all of it'}: {sentence}" for pointer, sentence, _ in found)[:-1]


def _shown(value: JSON) -> str:
    text = wire.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def read_assertion(raw: Mapping[str, JSON]) -> Assertion | list[tuple[str, str]]:
    """The assertion, or what is wrong with it: the name of a member and a sentence each.

    `raw` has the members of contract 05's Assertion in their JSON types.
    """
    problems = list(_problems(raw))
    if problems:
        return problems
    return Assertion(
        path=raw["path"],
        steps=read_path(raw["path"]),
        type=raw.get("type", EXISTS),
        value=raw.get("value"),
        message=raw.get("message"),
        tolerance=raw.get("tolerance", TOLERANCE),
    )


def _problems(raw: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    try:
        read_path(raw["path"])
    except BadPath as why:
        yield "path", str(why)
    type = raw.get("type", EXISTS)
    if type not in ASSERTION_TYPES:
        yield "type", f"Must be one of: {', '.join(ASSERTION_TYPES)}."
    elif type in CHECKS:
        yield from _value_problems(CHECKS[type], raw)
    if "tolerance" in raw:
        yield from _tolerance_problems(type, raw["tolerance"])


def _value_problems(check: Check, raw: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    if "value" not in raw:
        yield "value", "This type of assertion compares with a value."
    elif check.value is SCHEMA:
        if (why := schema_refusal(raw["value"])) is not None:
            yield "value", f"This is not a valid JSON Schema. {why}"
    elif check.value is not None and not check.value.holds(raw["value"]):
        yield "value", f"Must be {check.value.noun}."


def _tolerance_problems(type: JSON, tolerance: JSON) -> Iterator[tuple[str, str]]:
    if type != "closeTo":
        yield "tolerance", "Only closeTo takes a tolerance."
    elif not NUMBER.holds(tolerance) or tolerance < 0:
        yield "tolerance", "Must be a number from 0."
