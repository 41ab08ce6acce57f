"""Pipelines as callers see them (contract 01, Resource)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.core import clock
from app.core.wire import JSON

_LISTED = ("name", "description", "category", "tags", "is_template")


class Shown(NamedTuple):
    """A resource and the tag that changes with each visible change of it."""

    body: dict[str, JSON]
    etag: str


def listed(document: Mapping[str, JSON]) -> dict[str, JSON]:
    """What the pipeline's own row copies for lists."""
    return {name: document[name] for name in _LISTED}


def pipeline(version: Any, published: str | None, named: bool) -> Shown:
    """A Pipeline with the document of `version`; `published` is the published version's text.
    `named`: the caller asked for this version, which has a tag of its own."""
    row = version.pipeline
    body = {
        "id": row.id,
        "org_id": row.org_id,
        **version.document,
        "name": row.name,  # it belongs to the pipeline: old versions are shown under the new one
        "status": row.status,
        "published_version": published,
        "published_at": _time(row.published_at),
        "last_test_run_id": row.last_test_run_id,
        "created_by": row.created_by,
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
    }
    return Shown(body, tag_of(row, version) if named else row.etag)


def tag_of(row: Any, version: Any) -> str:
    """The tag of one version of a pipeline: any change of the pipeline may be seen in it."""
    return f"{row.etag}-{version.version}"


def version(row: Any) -> dict[str, JSON]:
    """A PipelineVersion, without its document."""
    return {
        "id": row.id,
        "pipeline_id": row.pipeline_id,
        "version": row.version,
        "published": row.published_at is not None,
        "published_at": _time(row.published_at),
        "digest": row.digest,
        "created_by": row.created_by,
        "created_at": _time(row.created_at),
    }


def summary(row: Any) -> dict[str, JSON]:
    """A PipelineSummary; the row has its newest version as `current`."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "version": row.current.version,
        "status": row.status,
        "published_version": row.published_version_id and row.published.version,
        "stage_count": len(row.current.document["stages"]),
        "category": row.category,
        "tags": row.tags,
        "is_template": row.is_template,
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
    }


def _time(moment: Any) -> str | None:
    return None if moment is None else clock.text(moment)
