"""Values made of values of another kind, by contract 01's coercion table."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

from tests.engine.reference.language.basics import Broken, fit, need, text
from tests.engine.reference.language.values import is_number

WORDS = {"true": True, "yes": True, "1": True, "on": True,
         "false": False, "no": False, "0": False, "off": False}  # fmt: skip
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def to_text(value: Any) -> str:
    need(isinstance(value, str | int | float))
    return text(value)


def to_int(value: Any) -> int:
    if isinstance(value, str):
        if re.fullmatch(r"[+-]?[0-9]+", value):
            return int(fit(int(value)))
        need(NUMBER.fullmatch(value))
        value = float(value)
    need(is_number(value) and value == math.floor(value))
    return int(fit(int(value)))


def to_float(value: Any) -> float:
    if isinstance(value, str):
        need(NUMBER.fullmatch(value))
        value = float(value)
    need(is_number(value))
    return fit(float(value))


def to_bool(value: Any) -> bool:
    if isinstance(value, str):
        need(value.lower() in WORDS)
        return WORDS[value.lower()]
    need(isinstance(value, bool))
    return bool(value)


def from_json(value: Any) -> Any:
    need(isinstance(value, str))
    try:
        return json.loads(value)
    except ValueError:
        raise Broken("this is no JSON") from None


def decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError:
        raise Broken("this is no base64 of a text") from None
