"""JSON in and out: strict for what strangers send, exact for what is stored."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections import Counter
from typing import Any

import orjson

from app.core.errors import BadCursor, JsonTooDeep, MalformedJson

JSON = Any

MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1


class NotJson(ValueError):
    """The value cannot be written as JSON without bending it."""


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, times in counts.items() if times > 1)
        raise MalformedJson(f"The member {twice[:80]!r} occurs twice in one object.")
    return members


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) <= 20 else MAX_INTEGER + 1
    if abs(value) > MAX_INTEGER:
        raise MalformedJson("An integer lies outside of 64 bits.")
    return value


def _depth_over(text: bytes, limit: int) -> bool:
    """Whether brackets outside of strings nest deeper than `limit`; linear, never recursive."""
    depth, inside, escaped = 0, False, False
    for byte in text:
        if inside:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            depth += 1
            if depth > limit:
                return True
        elif byte in b"]}":
            depth -= 1
    return False


def loads(text: bytes | str) -> JSON:
    """Reads JSON that a stranger sent.

    Raises MalformedJson for broken syntax, invalid UTF-8, a lone surrogate, NaN or an infinity
    (also by overflow), a duplicate member and an integer outside of 64 bits; JsonTooDeep for
    nesting over 64 levels.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    # Counting brackets costs less than the scan when there are few of them.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth_over(raw, MAX_DEPTH):
        raise JsonTooDeep
    try:
        orjson.loads(raw)
        return json.loads(raw, object_pairs_hook=_unique, parse_int=_integer)
    except (orjson.JSONDecodeError, UnicodeDecodeError) as broken:
        raise MalformedJson(f"The body is not JSON: {_sentence(broken)}.") from None


def _sentence(broken: Exception) -> str:
    return str(broken).split(":")[0] if isinstance(broken, orjson.JSONDecodeError) else "bad UTF-8"


def loads_object(text: bytes | str) -> dict[str, JSON]:
    """`loads`, and MalformedJson when the value is not an object."""
    value = loads(text)
    if not isinstance(value, dict):
        raise MalformedJson
    return value


def _bent(value: JSON) -> bool:
    """Whether orjson would write this finite tree as something else: it turns NaN into null."""
    stack = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is float:
            if not math.isfinite(item):
                return True
        elif kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:
                return True
        elif kind is dict:
            stack.extend(item.values())
        elif kind is list or kind is tuple:
            stack.extend(item)
    return False


def dumps_bytes(value: JSON) -> bytes:
    """Compact JSON as UTF-8, members in the order given.

    Raises NotJson for NaN, an infinity, an integer over 64 bits, a lone surrogate and any value
    that JSON has no form for.
    """
    if _bent(value):
        raise NotJson("a number has no JSON form")
    try:
        return orjson.dumps(value)
    except TypeError as refused:
        raise NotJson(str(refused)) from None


def dumps(value: JSON) -> str:
    """`dumps_bytes` as text."""
    return dumps_bytes(value).decode()


def canonical(value: JSON) -> bytes:
    """One byte form for equal values, whatever the order of their members: for digests."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def read(text: str | bytes) -> JSON:
    """Reads JSON that this house wrote."""
    return orjson.loads(text)


def pointer(*path: str | int) -> str:
    """The JSON pointer of a path (RFC 6901 section 3); the whole document is the empty text."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def cursor(*keys: JSON) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode(orjson.dumps(keys)).rstrip(b"=").decode()


def read_cursor(text: str, length: int) -> list[JSON]:
    """The keys of a cursor made of `length` keys. Raises BadCursor when it is not one."""
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        raise BadCursor from None
    if not isinstance(keys, list) or len(keys) != length:
        raise BadCursor
    return keys


_SECRET_NAMES = ("password", "secret", "token", "api_key", "apikey", "authorization", "cookie")


def is_secret(name: str) -> bool:
    """Whether a member's name tells that its value is a secret."""
    return any(word in name.lower() for word in _SECRET_NAMES)


def redact(value: JSON) -> JSON:
    """The value with every member whose name tells of a secret blanked; for logs and audit."""
    if isinstance(value, dict):
        return {name: "***" if is_secret(name) else redact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value
