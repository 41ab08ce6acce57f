"""Pages of a run's stage runs, which go on changing while a reader turns pages.

A stage run keeps its place once it started, and those that start later stand behind it. So a reader
misses none: who is already among those that never started first gets what has started since, except
stages that were shown before they did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import config
from app.core import clock
from app.core.errors import BadCursor
from app.core.states import RunStatus
from app.core.wire import JSON
from app.engine.planner import Plan
from app.models import StageRun, stage_slices
from app.models.stage_slices import NEVER, Place, Since
from app.services.pages import Page
from app.services.runs import stages

_START = Place(clock.text(clock.from_ms(0)), -1)
_NUMBER = re.compile(r"(?:-1|[0-9]{1,9})\Z")
_PATH = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})*)?\Z")


def stage_page(
    run: Any, plan: Plan, stage_id: str | None, status: str | None, page: Page
) -> dict[str, JSON]:
    """One page of the run's stage runs in the contract's order, of one stage or status if given.

    Ends early rather than hold more than FLOWMASON_MAX_OUTPUT_BYTES of outputs, but holds one.
    Raises BadCursor.
    """
    listed = _Listed(run, plan, stage_id, status)
    since = _since(page)
    answer = {"total": listed.count()} if page.count else {}
    found = listed.behind(since, page.limit + 1)
    shown = found[: _room(found[: page.limit])]
    items = stages.views(shown, [row["id"] for row in shown if row["size"] is not None])
    more = len(found) > len(shown)
    following = _cursor(page, since, [row["place"] for row in shown]) if more else None
    return {"items": items, "next": following, **answer}


def _room(rows: Sequence[Mapping[str, Any]]) -> int:
    """How many of the rows one answer has room for; the first in any case."""
    left = config.settings().max_output_bytes
    for number, row in enumerate(rows):
        left -= row["size"] or 0
        if left < 0:
            return max(1, number)
    return len(rows)


class _Listed:
    """The stage runs of one run that are asked for."""

    def __init__(self, run: Any, plan: Plan, stage_id: str | None, status: str | None) -> None:
        self._run, self._plan, self._stage_id, self._status = run, plan, stage_id, status
        self._outside = stages.indexes(plan, outside=True)
        known = self._outside | stages.indexes(plan, outside=False)
        self._indexes = {name: index for name, index in known.items() if stage_id in (None, name)}
        # Read before the rows: what begins in between is found twice rather than not at all.
        self._unbegun = list(self._read_unbegun())

    def _read_unbegun(self) -> Iterator[dict[str, Any]]:
        stored: Any = StageRun.select(StageRun.stage_id).where(
            StageRun.run == self._run.id, StageRun.stage_id.in_(list(self._outside))
        )
        begun = {name for (name,) in stored.distinct().tuples()}
        for row in stages.unbegun(self._plan, RunStatus(self._run.status), begun):
            if row["stage_id"] in self._indexes and self._status in (None, row["status"]):
                yield row

    def behind(self, since: Since, limit: int) -> list[dict[str, Any]]:
        """At most `limit` of them, behind where the reader stands."""
        index = since.place.index
        shown = [name for name, place in self._outside.items() if place <= index]
        rows = stage_slices.ordered(
            self._run.id, self._indexes, limit, self._status, since._replace(shown=shown)
        )
        begun = {row["stage_id"] for row in rows}
        rows += [
            row
            for row in self._unbegun
            if row["place"] > since.place and row["stage_id"] not in begun
        ]
        return sorted(rows, key=lambda row: row["place"])[:limit]

    def count(self) -> int:
        """How many there are."""
        stored: Any = StageRun.select().where(
            StageRun.run == self._run.id, StageRun.stage_id.in_(list(self._indexes))
        )
        if self._status:
            stored = stored.where(StageRun.status == self._status)
        return int(stored.count()) + len(self._unbegun)


def _cursor(page: Page, since: Since, shown: Sequence[Place]) -> str:
    begun = [place for place in shown if place.began != NEVER]
    places = (max(since.place, *shown), max(since.started, *begun, since.started))
    return page.after(*(part for place in places for part in _parts(place)))


def _parts(place: Place) -> tuple[str, ...]:
    return (place.began, str(place.index), ".".join(map(str, place.path)), str(place.round))


def _since(page: Page) -> Since:
    parts = page.place(8)
    return Since(_place(parts[:4]), _place(parts[4:])) if parts else Since(_START, _START)


def _place(parts: Sequence[str]) -> Place:
    """Raises BadCursor for what no cursor of this list holds."""
    began, index, path, round = parts
    if not (_PATH.match(path) and _NUMBER.match(index) and _NUMBER.match(round)):
        raise BadCursor
    try:
        began = clock.text(clock.parse(began))
    except (ValueError, OverflowError):
        raise BadCursor from None
    return Place(began, int(index), tuple(map(int, filter(None, path.split(".")))), int(round))
