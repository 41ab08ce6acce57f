"""The only place that reads the system clock, and the one text form of a time."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache

# Python reads other forms of ISO 8601 too.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def now() -> datetime:
    """The present moment, aware UTC, cut to the milliseconds that are stored and shown."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def now_ms() -> int:
    """The present moment in whole milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return time.monotonic()


def from_ms(ms: int) -> datetime:
    """The aware UTC time of `ms` milliseconds since 1970."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970 of an aware time."""
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1000 + moment.microsecond // 1000


def text(moment: datetime) -> str:
    """RFC 3339 in UTC with exactly three fraction digits: `2026-11-22T20:33:39.120Z`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


@lru_cache(maxsize=1024)
def text_of_ms(ms: int) -> str:
    """`text` of a time given in milliseconds since 1970."""
    # Remembered, for what happens in one turn of a run happens at the same time.
    return text(from_ms(ms))


def parse(value: str) -> datetime:
    """The aware UTC time of an RFC 3339 text (section 5.6), offset included.

    Raises ValueError for any other text, OverflowError for a time outside of the years 1 to 9999.
    """
    if not _RFC_3339.fullmatch(value):
        raise ValueError("no time of RFC 3339 with an offset, such as 2026-11-22T20:33:39Z")
    return datetime.fromisoformat(value.upper()).astimezone(UTC)
