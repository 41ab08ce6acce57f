"""What stands in for stages of a fork or of a test, as the run's row tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.errors import RunError
from app.core.wire import JSON
from app.engine.doubles import NO_DOUBLES, Doubles, Mock
from app.models import Run, Snapshot
from app.models.base import raw
from app.services.runs.source import Source
from app.services.runs.variants import plan_of_run, read_variant

SOURCE_GONE = RunError(
    "EXECUTION",
    "The run that this one takes over from is gone.",
    details={"reason": "source_gone"},
)


class SourceGone(Exception):
    """The run that a fork takes over from is no longer there."""


def doubles_of(row: Mapping[str, Any]) -> Doubles:
    """The stand-ins of a run. Raises SourceGone."""
    if row["document"] is None and row["forked_from_run_id"] is None:
        return NO_DOUBLES
    variant = read_variant(row["document"])
    return Doubles(
        source=_source(row),
        reached=None if variant.reached is None else frozenset(variant.reached),
        outputs=variant.outputs,
        is_dry=variant.is_dry,
        live=frozenset(variant.live),
        mocks=None
        if variant.mocks is None
        else {name: _mock(given) for name, given in variant.mocks.items()},
    )


def _source(row: Mapping[str, Any]) -> Source | None:
    if row["forked_from_run_id"] is None:
        return None
    query: Any = (
        Run.select(Run.id, Run.pipeline_version_id, raw(Run.document), Snapshot.seq)
        .join(Snapshot, on=(Snapshot.run == Run.id))
        .where(Run.id == row["forked_from_run_id"], Snapshot.id == row["forked_from_snapshot_id"])
    )
    found = query.tuples().first()
    if found is None:
        raise SourceGone(row["id"])
    run_id, version_id, document, seq = found
    return Source(run_id, seq, plan_of_run(version_id, document))


def _mock(given: Mapping[str, JSON]) -> Mock:
    error = given.get("error")
    return Mock(
        output=given.get("output"),
        outputs=tuple(given.get("outputs", ())),
        error=error and RunError(error["type"], error["message"], retryable=error["retryable"]),
        places={place: _mock(each) for place, each in given.get("places", {}).items()},
    )
