"""Changing a pipeline: what is given becomes a new version (contract 01, Versions).

A saved version never changes. Others may save at the same time: who finds the pipeline changed
since it was read starts again from what it is then, so that no change is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.core import clock, wire
from app.core.errors import NameTaken, PreconditionFailed, Unavailable, ValidationFailed
from app.core.ids import new_id
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine.document import DOCUMENT_DEFAULTS, normalize
from app.infra.database import transaction
from app.models.pipelines import Pipeline
from app.services.identity import audit
from app.services.pipelines import views
from app.services.pipelines.documents import find_saved, get_pipeline
from app.services.pipelines.holding import refuse_version
from app.services.pipelines.saving import checked, insert_version, new_etag
from app.services.pipelines.versions import following, sort_key
from app.services.pipelines.views import Shown
from app.services.unique import unique_or

_MOST_TRIES = 100  # each one lost is one that somebody else has won


def update_pipeline(
    who: Principal,
    reference: str,
    given: Mapping[str, JSON],
    if_match: Collection[str] | None = None,
) -> Shown:
    """Save the newest document with the members of `given` as a new version.

    An absent member keeps its value, null resets it. When that changes nothing and no version is
    given, nothing is saved. `if_match`: tags of which one must be the present one; None asks for
    nothing.

    Raises NotFound; InvalidPipeline with every problem of the whole document; ValidationFailed for
    a version that is not higher than every saved one, and for a reference with a version;
    PreconditionFailed; NameTaken; Unavailable when others change the pipeline all the time.
    """
    refuse_version(reference, "A saved version never changes: name the pipeline alone.")
    newest = find_saved(who, reference)
    for _ in range(_MOST_TRIES):
        shown = _try(who, newest, given, if_match)
        if shown is not None:
            return shown
        newest = find_saved(who, newest.pipeline_id)
    raise Unavailable("Others change this pipeline all the time; try again shortly.")


def _try(
    who: Principal, newest: Any, given: Mapping[str, JSON], if_match: Collection[str] | None
) -> Shown | None:
    """None when the pipeline was changed since `newest` was read."""
    document = checked(who, _merged(newest, given), newest.pipeline_id)
    if sort_key(document["version"]) <= newest.sort_key:
        sentence = f"This must be higher than {newest.version}, the newest saved version."
        raise ValidationFailed({"/version": [sentence]})
    if if_match is not None and newest.pipeline.etag not in if_match:
        raise PreconditionFailed
    if given.get("version") is None and _same(document, newest):
        return get_pipeline(who, newest.pipeline_id)
    return _save(who, newest.pipeline, document)


def _merged(newest: Any, given: Mapping[str, JSON]) -> dict[str, JSON]:
    changes = {
        name: DOCUMENT_DEFAULTS.get(name) if value is None else value
        for name, value in given.items()
    }
    if changes.get("version") is None:
        changes["version"] = following(newest.version)
    return {**newest.document, **changes}


def _same(document: Mapping[str, JSON], newest: Any) -> bool:
    # As text: the order of members counts, and 1 is not 1.0.
    before = normalize(newest.document)
    return wire.dumps({**document, "version": before["version"]}) == wire.dumps(before)


def _save(who: Principal, pipeline: Any, document: dict[str, JSON]) -> Shown | None:
    version_id, now = new_id("plv"), clock.now()
    with unique_or(NameTaken(document["name"])), transaction():
        landed = (
            Pipeline.update(
                current_version_id=version_id,
                etag=new_etag(),
                updated_at=now,
                **views.listed(document),
            )
            .where(
                Pipeline.id == pipeline.id,
                Pipeline.etag == pipeline.etag,
                Pipeline.deleted_at.is_null(),
            )
            .execute()
        )
        if not landed:
            return None  # somebody else was faster
        insert_version(who, pipeline.id, version_id, document, now)
        audit.record(
            who,
            "pipeline.updated",
            pipeline.id,
            name=document["name"],
            version=document["version"],
        )
        # Read here, where nobody else can have changed it yet.
        return get_pipeline(who, pipeline.id)
