"""JSON Schema 2020-12, compiled once per schema, in an engine whose work is linear in the value.

Patterns run without back-tracking; nothing outside of the document is ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from app.core.wire import JSON, canonical, pointer
from app.engine.expressions.evaluation import measure
from app.engine.schema.graph import OUTSIDE, SchemaError
from app.engine.schema.weight import weight_of

MAX_ERRORS = 100
TOO_LARGE = "size"  #: no keyword of JSON Schema
_WORK = 100_000_000  # bytes of the value times subschemas that judge each part: about a second
_UNMEASURED = 5_000_000  # bytes that a value hardly has
_BAD_PATTERN = "A pattern must be a regular expression without look-around and back-references."
_SHOWN = 300  # characters of a sentence


class Violation(NamedTuple):
    """One thing wrong in a value: where, a sentence, and the keyword that says so.

    The keyword is TOO_LARGE when the value was not judged at all.
    """

    pointer: str
    message: str
    keyword: str


class SchemaCheck:
    """A schema, ready to judge values."""

    __slots__ = ("_most_bytes", "_validator")

    def __init__(self, validator: Any = None, weight: int = 1) -> None:
        self._validator = validator
        self._most_bytes = _WORK // weight

    def errors(self, value: JSON) -> list[Violation]:
        """What is wrong with a value, at most 100 things; nothing when it is valid.

        A missing or surplus member is told at its own place.
        """
        if self._validator is None:
            return []
        if self._most_bytes < _UNMEASURED and measure(value, self._most_bytes) > self._most_bytes:
            return [Violation("", "The value is too large for so complex a schema.", TOO_LARGE)]
        found = islice(self._validator.iter_errors(value), MAX_ERRORS)
        return list(islice((each for error in found for each in _violations(error)), MAX_ERRORS))


_ACCEPTS_ALL = SchemaCheck()


def _violations(error: Any) -> Iterator[Violation]:
    path, kind = error.instance_path, error.kind.name
    if kind == "required":
        yield Violation(pointer(*path, error.kind.property), "This member is required.", kind)
    elif kind in ("additionalProperties", "unevaluatedProperties"):
        for name in error.kind.unexpected:
            yield Violation(pointer(*path, name), "This member is not allowed.", kind)
    else:
        yield Violation(pointer(*path), _sentence(error.message), kind)


def _sentence(message: str) -> str:
    shown = message if len(message) <= _SHOWN else message[:_SHOWN] + "..."
    return f"{shown[:1].upper()}{shown[1:].rstrip('.')}."


def compile_schema(schema: JSON, *, asserts_format: bool = True) -> SchemaCheck:
    """The check of a schema; equal schemas share one. `format` may be a remark only.

    Raises SchemaError when it is not valid JSON Schema 2020-12, refers outside of itself, holds a
    pattern with look-around or back-references, or could take more than linear work.
    """
    if not schema and isinstance(schema, dict):
        return _ACCEPTS_ALL
    if not isinstance(schema, dict):
        raise SchemaError("A schema must be an object.")
    try:
        return _compiled(canonical(schema), asserts_format)
    except TypeError:
        raise SchemaError("A schema must be JSON.") from None


@lru_cache(maxsize=256)
def _compiled(text: bytes, asserts_format: bool) -> SchemaCheck:
    schema = orjson.loads(text)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=asserts_format,
            pattern_options=jsonschema_rs.RegexOptions(),
            retriever=_refuse,
            mask="the value",
        )
    except jsonschema_rs.ValidationError as refused:
        raise _refusal(refused) from None
    except (jsonschema_rs.ReferencingError, ValueError) as refused:
        raise SchemaError(_sentence(str(refused).split("\n")[0])) from None
    return SchemaCheck(validator, weight_of(schema))


def _refusal(refused: Any) -> SchemaError:
    place = pointer(*refused.instance_path)
    if place.rpartition("/")[2] == "pattern" and refused.kind.name == "format":
        return SchemaError(_BAD_PATTERN, place)
    if refused.kind.name == "$ref":
        return SchemaError(OUTSIDE, place)
    return SchemaError(_sentence(refused.message), place)


def _refuse(uri: str) -> JSON:
    raise ValueError(OUTSIDE)
