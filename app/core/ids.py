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


class _Maker:
    """Makes the ids of this process: each is higher than the one before within a millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Drawn for many ids at once: each draw is a system call.
        self._drawn = b""
        self._last = 0

    def value(self) -> int:
        """The 128 bits of a new id."""
        with self._lock:
            at = clock.now_ms()
            if at == self._last >> 80:
                # A step of 60 bits leaves room for a million more in this millisecond.
                self._last += 1 + (self._random() >> 20)
            else:
                self._last = at << 80 | self._random()
            return self._last

    def _random(self) -> int:
        rest = self._drawn or os.urandom(256 * _RANDOM_BYTES)
        self._drawn = rest[_RANDOM_BYTES:]
        return int.from_bytes(rest[:_RANDOM_BYTES])


_maker = _Maker()


def _start_anew() -> None:
    global _maker
    _maker = _Maker()


# A forked process must not make the ids that its parent will make.
os.register_at_fork(after_in_child=_start_anew)


def new_id(prefix: str) -> str:
    """A new id; the ids that one process makes with one prefix sort in the order of their making.

    Of several processes they sort by the millisecond in which they were made.
    """
    return f"{prefix}-{_text(_maker.value())}"


def derived_id(prefix: str, *parts: str, at_ms: int) -> str:
    """The id that the same parts always give: time `at_ms`, random bits their digest."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()[:10]
    return f"{prefix}-{_text(at_ms << 80 | int.from_bytes(digest))}"


def lowest_id(prefix: str, at_ms: int) -> str:
    """Where the ids of the millisecond `at_ms` (0 to 2^48 - 1) begin: none of them sorts lower."""
    return f"{prefix}-{_text(at_ms << 80)}"


def is_id(value: str, prefix: str | None = None) -> bool:
    """Whether `value` has the form of an id, and of this prefix when one is given."""
    return bool(_FORM.match(value)) and (prefix is None or value.startswith(f"{prefix}-"))


def made_at_ms(value: str) -> int:
    """When an id was made, in milliseconds since 1970."""
    ms = 0  # the first ten letters hold the 48 bits of time and nothing else
    for letter in value.partition("-")[2][:10]:
        ms = ms << 5 | _ALPHABET.index(letter)
    return ms
