"""Keyset pages: rows created while a caller turns pages neither repeat nor hide others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from app.core import clock, wire
from app.core.errors import BadCursor
from app.core.wire import JSON
from app.models.base import UTCDateTime


@dataclass(frozen=True, slots=True)
class Page:
    """What a caller asks of a list: at most `limit` items after `cursor`, and the total or not.

    `of` tells this list with these filters from any other; a cursor is good for its own alone.
    """

    limit: int = 50
    cursor: str | None = None
    count: bool = False
    of: str = ""

    def after(self, *keys: str) -> str:
        """The cursor that leads to what follows the item of these keys."""
        return wire.cursor(self.of, *keys)

    def place(self, length: int) -> list[str] | None:
        """The `length` keys that the cursor holds; None without one.

        Raises BadCursor for a cursor that this list did not issue, or issued with other filters.
        """
        if self.cursor is None:
            return None
        of, *texts = wire.read_cursor(self.cursor, length + 1)
        if of != self.of or not all(isinstance(text, str) and "\0" not in text for text in texts):
            raise BadCursor
        return texts


def newest_first(
    query: Any, keys: Sequence[peewee.Field], page: Page, view: Callable[[Any], JSON]
) -> dict[str, JSON]:
    """One page of `query` in falling order of `keys` (together unique), each row through `view`.

    Raises BadCursor for a cursor that this list did not issue.
    """
    answer: dict[str, JSON] = {"total": query.count()} if page.count else {}
    place = page.place(len(keys))
    if place is not None:
        query = query.where(peewee.Tuple(*keys) < peewee.Tuple(*_values(keys, place)))
    rows = list(query.order_by(*(key.desc() for key in keys)).limit(page.limit + 1))
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    following = page.after(*(_text(getattr(shown[-1], key.name)) for key in keys)) if more else None
    return {"items": [view(row) for row in shown], "next": following, **answer}


def ascending(
    items: Iterable[Any], key: Callable[[Any], str], page: Page, view: Callable[[Any], JSON]
) -> dict[str, JSON]:
    """One page of `items`, which are in memory, in rising order of `key` (unique).

    Raises BadCursor for a cursor that this list did not issue.
    """
    found = sorted(items, key=key)
    answer: dict[str, JSON] = {"total": len(found)} if page.count else {}
    place = page.place(1)
    if place is not None:
        found = [item for item in found if key(item) > place[0]]
    shown = found[: page.limit]
    following = page.after(key(shown[-1])) if len(found) > page.limit else None
    return {"items": [view(item) for item in shown], "next": following, **answer}


def _text(value: Any) -> str:
    return clock.text(value) if isinstance(value, datetime) else str(value)


def _values(keys: Sequence[peewee.Field], texts: Sequence[str]) -> list[Any]:
    try:
        return [_value(key, text) for key, text in zip(keys, texts, strict=True)]
    except (ValueError, OverflowError):
        raise BadCursor from None


def _value(key: peewee.Field, text: str) -> Any:
    # A tuple does not pass through the field's own conversion.
    return peewee.Value(
        clock.parse(text) if isinstance(key, UTCDateTime) else text, converter=key.db_value
    )
