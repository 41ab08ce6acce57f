"""Functions on text. A result is measured before it is made wherever it can grow."""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import quote

from app.core import wire
from app.core.errors import StudioError
from app.core.wire import JSON
from app.engine.coercion.scalars import kind_of
from app.engine.expressions.evaluation import Refused, State
from app.engine.expressions.functions.lists import counted


def string(value: JSON) -> str:
    """The value, when it is a string. Raises Refused."""
    if type(value) is str:
        return value
    raise Refused(f"{kind_of(value)} is not a string")


def _readable(state: State, value: JSON) -> str:
    """A string of no more characters than may be made."""
    state.allow(len(string(value)))
    return str(value)


def _utf8(state: State, value: JSON) -> bytes:
    try:
        return _readable(state, value).encode()
    except UnicodeEncodeError:
        raise Refused("the string holds half of a surrogate pair") from None


def upper(state: State, value: JSON) -> str:
    """Capital letters."""
    return state.made(_readable(state, value).upper())


def lower(state: State, value: JSON) -> str:
    """Small letters."""
    return state.made(_readable(state, value).lower())


def title(state: State, value: JSON) -> str:
    """Each word with a capital."""
    return state.made(_readable(state, value).title())


def trim(state: State, value: JSON) -> str:
    """Without white space around it."""
    return state.made(string(value).strip())


def replace(state: State, value: JSON, old: JSON, new: JSON) -> str:
    """Each `old` replaced by `new`."""
    text, growth = string(value), len(string(new)) - len(string(old))
    state.allow(len(text) + text.count(old) * growth)
    return state.made(text.replace(old, new))


def split(state: State, value: JSON, separator: JSON) -> list[str]:
    """The parts between separators."""
    text = string(value)
    if not string(separator):
        raise Refused("split needs a separator")
    parts = text.count(separator) + 1
    state.spend(parts)
    state.allow(len(text) + parts)
    state.made_bytes += len(text)
    return text.split(separator)


def join(state: State, value: JSON, separator: JSON = "") -> str:
    """The elements as embedded text, `separator` between them."""
    elements = counted(state, value)
    size = len(string(separator)) * max(len(elements) - 1, 0)
    parts: list[str] = []
    for element in elements:
        parts.append(state.text(element))
        size += len(parts[-1])
        state.allow(size)
    state.allow(size)
    return state.made(separator.join(parts))


def startswith(state: State, value: JSON, part: JSON) -> bool:
    """Whether it begins with `part`."""
    return string(value).startswith(string(part))


def endswith(state: State, value: JSON, part: JSON) -> bool:
    """Whether it ends with `part`."""
    return string(value).endswith(string(part))


def tojson(state: State, value: JSON) -> str:
    """Compact JSON."""
    return state.json_text(value)


def fromjson(state: State, value: JSON) -> JSON:
    """The value that a JSON text means, by the rule of contract 00."""
    text = _readable(state, value)
    # Each element, member and nesting has its mark: none is made before it is paid for.
    state.spend(sum(map(text.count, ",[{")))
    try:
        parsed = wire.loads(text)
    except StudioError as refused:
        raise Refused(f"the text is not JSON: {refused.detail.removesuffix('.')}") from None
    state.made_bytes += len(text)
    return parsed


def urlencode(state: State, value: JSON) -> str:
    """Percent-encoded UTF-8; only unreserved characters stay (RFC 3986 section 2.3)."""
    return state.made(quote(_utf8(state, value), safe=""))


def b64encode(state: State, value: JSON) -> str:
    """Base64 of the UTF-8 bytes (RFC 4648 section 4)."""
    return state.made(base64.b64encode(_utf8(state, value)).decode())


def b64decode(state: State, value: JSON) -> str:
    """The text whose UTF-8 bytes a base64 text holds."""
    try:
        return state.made(base64.b64decode(_utf8(state, value), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("the text is not base64 of UTF-8") from None


def sha256(state: State, value: JSON) -> str:
    """The digest of the UTF-8 bytes, in lower hex."""
    try:
        return state.made(hashlib.sha256(string(value).encode()).hexdigest())
    except UnicodeEncodeError:
        raise Refused("the string holds half of a surrogate pair") from None
