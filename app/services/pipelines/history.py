"""The saved versions of a pipeline, to be read."""

from __future__ import annotations

from typing import Any

from app.core.errors import NotFound
from app.core.principal import Principal
from app.core.wire import JSON
from app.models.pipelines import PipelineVersion
from app.services.pages import Page, newest_first
from app.services.pipelines import views
from app.services.pipelines.documents import find_saved
from app.services.pipelines.views import Shown

_LISTED = [field for field in PipelineVersion._meta.sorted_fields if field.name != "document"]


def list_versions(who: Principal, reference: str, page: Page) -> dict[str, JSON]:
    """One page of a pipeline's versions, without documents, the highest first.

    Raises NotFound, BadCursor.
    """
    pipeline = find_saved(who, reference).pipeline_id
    saved = PipelineVersion.select(*_LISTED).where(PipelineVersion.pipeline == pipeline)
    return newest_first(saved, [PipelineVersion.sort_key], page, views.version)


def get_version(who: Principal, reference: str, version: str) -> Shown:
    """One version with its document as it was saved. Raises NotFound."""
    pipeline = find_saved(who, reference).pipeline
    row: Any = PipelineVersion.get_or_none(
        PipelineVersion.pipeline == pipeline.id, PipelineVersion.version == version
    )
    if row is None:
        raise NotFound
    body = {**views.version(row), "document": row.document}
    return Shown(body, views.tag_of(pipeline, row))
