"""Ids: `prefix-` and 26 lower-case Crockford base-32 characters: 48 of time, 80 random bits."""

from __future__ import annotations

import hashlib
import os
import re
import threading

from app.core import clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BYTES = 10
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_FORM = re.compile(r"[a-z]{2,3}-[0-7][0-9a-hjkmnp-tv-z]{25}\Z")


def _text(value: int) -> str:
    return "".join(_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10))


class _Drawn(threading.local):
    """Random bytes of this thread, drawn for many ids at once: each draw is a system call."""

    rest: bytes = b""


_drawn = _Drawn()
# A forked process must not make the ids that its parent will make.
os.register_at_fork(after_in_child=lambda: setattr(_drawn, "rest", b""))


def _random() -> int:
    rest = _drawn.rest or os.urandom(256 * _RANDOM_BYTES)
    _drawn.rest = rest[_RANDOM_BYTES:]
    return int.from_bytes(rest[:_RANDOM_BYTES])


def new_id(prefix: str) -> str:
    """A new id; ids of one prefix sort by the millisecond in which they were made."""
    return f"{prefix}-{_text(clock.now_ms() << 80 | _random())}"


def derived_id(prefix: str, *parts: str, at_ms: int) -> str:
    """The id that the same parts always give: time `at_ms`, random bits their digest."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()[:10]
    return f"{prefix}-{_text(at_ms << 80 | int.from_bytes(digest))}"


def is_id(value: str, prefix: str | None = None) -> bool:
    """Whether `value` has the form of an id, and of this prefix when one is given."""
    return bool(_FORM.match(value)) and (prefix is None or value.startswith(f"{prefix}-"))
