"""Pipelines: creating one, showing it, finding and planning the version that a reference means."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from app.components import built_in
from app.core import clock
from app.core.errors import InvalidPipeline, NameTaken, NotFound
from app.core.ids import is_id, new_id
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine.document import read_document
from app.engine.planner import Plan, plan_document
from app.engine.validation import validate_document
from app.infra.database import transaction
from app.models import journal_sql
from app.models.journal_sql import Version
from app.models.pipelines import Pipeline, PipelineVersion
from app.services.identity import audit
from app.services.pipelines import views
from app.services.pipelines.saving import author_of, checked, insert_version, new_etag
from app.services.pipelines.versions import FIRST
from app.services.pipelines.views import Shown
from app.services.unique import unique_or

_PLANS_KEPT = 256


def create_pipeline(who: Principal, raw: Mapping[str, JSON]) -> Shown:
    """Save a new pipeline with its first version, as a draft.

    Raises InvalidPipeline with every problem of the document, NameTaken.
    """
    document = checked(who, raw)
    document["version"] = document["version"] or FIRST
    with unique_or(NameTaken(document["name"])), transaction():
        pipeline_id = _insert(who, document)
        audit.record(who, "pipeline.created", pipeline_id, name=document["name"])
    return get_pipeline(who, pipeline_id)


def _insert(who: Principal, document: dict[str, JSON]) -> str:
    pipeline_id, version_id, now = new_id("pl"), new_id("plv"), clock.now()
    Pipeline.create(
        id=pipeline_id,
        org_id=who.org_id,
        current_version_id=version_id,
        etag=new_etag(),
        created_by=author_of(who),
        created_at=now,
        updated_at=now,
        **views.listed(document),
    )
    insert_version(who, pipeline_id, version_id, document, now)
    return pipeline_id


def get_pipeline(who: Principal, reference: str) -> Shown:
    """The pipeline with its newest saved document, or with that of the version named.

    Raises NotFound.
    """
    row = find_saved(who, reference)
    published = row.pipeline.published_version_id
    return views.pipeline(
        row,
        published and PipelineVersion.get_by_id(published).version,
        named="@" in reference,
    )


def find_saved(who: Principal, reference: str) -> Any:
    """The version named, else the newest saved one, with its pipeline. Raises NotFound."""
    if "\0" in reference:
        raise NotFound  # PostgreSQL could not be asked for it
    pipeline, named, version = reference.partition("@")
    newest = PipelineVersion.id == Pipeline.current_version_id
    row = (
        PipelineVersion.select(PipelineVersion, Pipeline)
        .join(Pipeline)
        .where(
            Pipeline.org == who.org_id,
            Pipeline.deleted_at.is_null(),
            (Pipeline.id if is_id(pipeline, "pl") else Pipeline.name) == pipeline,
            (PipelineVersion.version == version) if named else newest,
        )
        .get_or_none()
    )
    if row is None:
        raise NotFound
    return row


def resolve(who: Principal, reference: str) -> Version:
    """The version that `id`, `name`, `id@version` or `name@version` means (contract 01).

    Without a version: the newest published one, else the newest saved one. Raises NotFound.
    """
    if "\0" in reference:
        raise NotFound
    pipeline, named, version = reference.partition("@")
    found = journal_sql.find_version(
        who.org_id, pipeline, by_id=is_id(pipeline, "pl"), version=version if named else None
    )
    if found is None:
        raise NotFound
    return found


@lru_cache(maxsize=_PLANS_KEPT)
def plan_of(version_id: str) -> Plan:
    """The plan of a saved version; versions never change, so it is kept by version id.

    Raises InvalidPipeline when the document names what is no longer there.
    """
    document = PipelineVersion.get_by_id(version_id).document
    problems = validate_document(document, built_in())
    if problems:
        raise InvalidPipeline(problems)
    return plan_document(read_document(document), built_in())
