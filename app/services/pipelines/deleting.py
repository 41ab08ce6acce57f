"""Deleting a pipeline (contract 01, Routes).

The row stays, marked, and so do its versions: finished runs are read through them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.core import clock
from app.core.errors import InUse
from app.core.principal import Principal
from app.core.states import RUN_MOVES
from app.infra.database import transaction
from app.models.pipelines import Pipeline
from app.models.runs import Run
from app.services.identity import audit
from app.services.pipelines.documents import find_saved
from app.services.pipelines.holding import hold, refuse_version

_MOST_TOLD = 50  #: of what still uses a pipeline


def delete_pipeline(
    who: Principal, reference: str, if_match: Collection[str] | None = None
) -> None:
    """Delete a pipeline; its name is free at once.

    Raises ValidationFailed for a reference with a version, NotFound, PreconditionFailed, InUse.
    """
    refuse_version(reference, "A saved version cannot be deleted: name the pipeline alone.")
    pipeline_id = find_saved(who, reference).pipeline_id
    with transaction():
        # Whoever starts a run of it waits for this transaction, or this one for them.
        pipeline = hold(who, pipeline_id, if_match)
        if users := _users(who, pipeline):
            raise InUse("The pipeline is in use by runs that have not ended.", users)
        Pipeline.update(deleted_at=clock.now()).where(Pipeline.id == pipeline.id).execute()
        audit.record(who, "pipeline.deleted", pipeline.id, name=pipeline.name)


def _users(who: Principal, pipeline: Any) -> list[dict[str, str]]:
    """What a pipeline cannot be deleted under, in the form of `used_by`."""
    # The few runs that go on are found by status: of those of a pipeline there may be a million,
    # and SQLite would walk through them, since to it one index is as good as the other.
    of_pipeline = Run.pipeline_id.concat("") == pipeline.id
    runs = (
        Run.of(who.org_id, Run.id)
        .where(Run.status.in_(list(RUN_MOVES)), of_pipeline)
        .limit(_MOST_TOLD)
        .tuples()
    )
    return [{"type": "run", "id": run_id, "name": pipeline.name} for (run_id,) in sorted(runs)]
