"""The list of an organisation's runs (contract 03): any filters, and any page as fast as the first.

Every filter is a column of an index before `id`. Within one trigger and one status the runs of an
organisation, a pipeline or a version therefore lie side by side in their order: a slice. A page
merges the newest of the slices that it may show; what lies between them is never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import peewee

from app.core import clock
from app.core.errors import BadCursor, NotFound
from app.core.ids import is_id, lowest_id
from app.core.principal import Principal
from app.core.states import RunStatus, TriggerType
from app.core.wire import JSON
from app.models import Run, run_slices
from app.models.pipelines import Pipeline, PipelineVersion
from app.models.run_slices import Bounds
from app.services.pages import Page
from app.services.runs import views

#: How much less than `created_at` the time in an id may be: a child run's tells when its stage
#: began, and in between a worker may die and be replaced.
_ID_IS_EARLIER_MS = 15_000
_CLOCK_SLACK_MS = 1_000  #: how much more, when the clock was set back in between
_EPOCH = clock.from_ms(0)
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(seconds=1)
_ROUNDED_UP = timedelta(microseconds=999)  # what is stored and shown is cut to milliseconds

Key = tuple[peewee.Field, str]  #: a column and the value it has


@dataclass(frozen=True, slots=True)
class Filters:
    """Which runs to list; None lets all pass, but runs of tests are shown only when asked for.

    `pipeline` is a reference (contract 01); with a version it means the runs of that version. Of
    the times neither is itself within.
    """

    statuses: Sequence[str] | None = None
    pipeline: str | None = None
    trigger: str | None = None
    parent_run_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


def list_runs(who: Principal, filters: Filters, page: Page) -> dict[str, JSON]:
    """One page of summaries, newest first.

    Raises NotFound for a pipeline that is not the organisation's, BadCursor.
    """
    choice = _Choice(who, filters, _within(who, filters.pipeline))
    answer: dict[str, JSON] = {"total": choice.all().count()} if page.count else {}
    found = choice.newest(_place(page), page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    following = page.after(shown[-1]) if more else None
    return {"items": _summaries(who, shown), "next": following, **answer}


def _summaries(who: Principal, run_ids: Sequence[str]) -> list[dict[str, JSON]]:
    rows: Any = Run.of(who.org_id, *views.SUMMARY_COLUMNS).where(Run.id.in_(run_ids))
    return [views.summary(run) for run in rows.order_by(Run.id.desc()).namedtuples()]


def _place(page: Page) -> str | None:
    place = page.place(1)
    if place is None:
        return None
    if not is_id(place[0], "run"):
        raise BadCursor
    return place[0]


def _within(who: Principal, reference: str | None) -> Key | None:
    """The pipeline, or the version, whose runs are meant; a deleted one by its id alone.

    Raises NotFound.
    """
    if reference is None:
        return None
    name, named, version = reference.partition("@")
    if not named:
        return Run.pipeline_id, _only(_pipelines(who, name, Pipeline.id))
    versions = _pipelines(who, name, PipelineVersion.id).join(PipelineVersion)
    return Run.pipeline_version_id, _only(versions.where(PipelineVersion.version == version))


def _pipelines(who: Principal, name: str, column: peewee.Field) -> Any:
    found = Pipeline.of(who.org_id, column)
    if is_id(name, "pl"):
        return found.where(Pipeline.id == name)
    return found.where(Pipeline.name == name, Pipeline.deleted_at.is_null())


def _only(query: Any) -> str:
    row = query.tuples().first()
    if row is None:
        raise NotFound
    return str(row[0])


class _Choice:
    """The runs that the filters let pass, as the table's indexes find them."""

    def __init__(self, who: Principal, filters: Filters, within: Key | None) -> None:
        self._org_id, self._within, self._parent = who.org_id, within, filters.parent_run_id
        self._statuses = list(dict.fromkeys(filters.statuses or RunStatus))
        shown = [kind for kind in TriggerType if kind is not TriggerType.TEST]
        self._triggers = [filters.trigger] if filters.trigger else shown
        self._bounds = _bounds(filters.created_after, filters.created_before)

    def all(self) -> Any:
        """Every one of them."""
        _, _, after, before = self._bounds
        runs = _between(Run.of(self._org_id, Run.id), [], self._bounds).where(
            Run.trigger_type.in_(self._triggers), Run.status.in_(self._statuses)
        )
        if after:
            runs = runs.where(Run.created_at > clock.parse(after))
        if before:
            runs = runs.where(Run.created_at < clock.parse(before))
        if self._parent:
            # The index leaves out the runs without a parent.
            runs = runs.where(Run.parent_run_id == self._parent, Run.parent_run_id.is_null(False))
        return runs.where(self._within[0] == self._within[1]) if self._within else runs

    def newest(self, below: str | None, limit: int) -> list[str]:
        """The ids of at most `limit` of them, the newest that are below `below`."""
        bounds = self._bounds._replace(high=min(self._bounds.high, below or self._bounds.high))
        if not self._parent:
            within = self._within and (self._within[0].name, self._within[1])
            return run_slices.newest(
                self._org_id, within, self._triggers, self._statuses, bounds, limit
            )
        children = _between(self.all(), [(Run.parent_run_id, self._parent)], bounds)
        ordered = children.order_by(Run.parent_run_id.desc(), Run.id.desc()).limit(limit)
        return [run_id for (run_id,) in ordered.tuples()]


def _bounds(after: datetime | None, before: datetime | None) -> Bounds:
    bounds = Bounds(lowest_id("run", 0), lowest_id("run", 2**48 - 1))
    if after:
        after = max(after, _EPOCH)
        low = lowest_id("run", max(0, clock.to_ms(after) - _ID_IS_EARLIER_MS))
        bounds = bounds._replace(low=low, after=clock.text(after))
    if before:
        before = min(max(before, _EPOCH), _LATEST)
        high = lowest_id("run", clock.to_ms(before) + _CLOCK_SLACK_MS)
        bounds = bounds._replace(high=high, before=clock.text(before + _ROUNDED_UP))
    return bounds


def _between(runs: Any, keys: Sequence[Key], bounds: Bounds) -> Any:
    # As in `run_slices`: with the columns compared as one row no index without `keys` will do.
    columns = [*(column for column, _ in keys), Run.id]
    values = [value for _, value in keys]
    return runs.where(
        peewee.Tuple(*columns) >= peewee.Tuple(*values, bounds.low),
        peewee.Tuple(*columns) < peewee.Tuple(*values, bounds.high),
    )
