"""Bodies of http_request: JSON and text on the way out; JSON, text or base64 on the way in."""

from __future__ import annotations

import base64
import re

from app.core import wire
from app.core.errors import JsonTooDeep, MalformedJson, StageError
from app.core.wire import JSON

# Those of the Encoding Standard that Python reads in linear time: `punycode` and the like do not
# belong to the web, and a hostile answer may name any codec.
CHARSETS = frozenset(
    ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-2", "iso-8859-5")
    + ("iso-8859-7", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "windows-1253")
    + ("windows-1254", "windows-1257", "koi8-r", "koi8-u", "utf-16", "utf-16le", "utf-16be")
    + ("shift_jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5")
)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def write_body(body: JSON) -> tuple[bytes | None, str | None]:
    """The bytes to send and their media type; both None without a body.

    Raises StageError VALIDATION for what is not JSON.
    """
    if body is None:
        return None, None
    try:
        if isinstance(body, str):
            return body.encode(), "text/plain; charset=utf-8"
        return wire.dumps_bytes(body), "application/json"
    except (UnicodeEncodeError, wire.NotJson):
        raise StageError("VALIDATION", "The body has no form that can be sent.") from None


def read_answer_body(content_type: str, body: bytes) -> JSON:
    """The value of an answer: strict JSON when the type says so, else text, else base64 text."""
    if _is_json(content_type):
        try:
            return wire.loads(body)
        except (MalformedJson, JsonTooDeep):
            pass
    text = _decode(content_type, body)
    return base64.b64encode(body).decode() if text is None else text


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _decode(content_type: str, body: bytes) -> str | None:
    match = _CHARSET.search(content_type)
    named = match[1].lower() if match else "utf-8"
    try:
        return body.decode(named if named in CHARSETS else "utf-8")
    except UnicodeDecodeError:
        return None
