"""The list of pipelines, and what it can be asked for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import peewee

from app.core.principal import Principal
from app.core.wire import JSON
from app.infra.database import contains
from app.models.pipelines import Pipeline, PipelineVersion
from app.services.pages import Page, newest_first
from app.services.pipelines import views


def list_pipelines(
    who: Principal,
    page: Page,
    *,
    status: str | None = None,
    category: str | None = None,
    is_template: bool | None = None,
    tag: Collection[str] = (),
    q: str = "",
) -> dict[str, JSON]:
    """One page of summaries, newest update first.

    A pipeline must have every `tag`. `q` is looked for in name and description, in any case.
    Raises BadCursor.
    """
    found = _summaries(who)
    exact = {
        Pipeline.status: status,
        Pipeline.category: category,
        Pipeline.is_template: is_template,
    }
    for column, value in exact.items():
        if value is not None:
            found = found.where(column == value)
    for each in tag:
        found = found.where(Pipeline.is_tagged(each))
    if q:
        found = found.where(contains(Pipeline.name, q) | contains(Pipeline.description, q))
    return newest_first(found, [Pipeline.updated_at, Pipeline.id], page, views.summary)


def _summaries(who: Principal) -> Any:
    published = PipelineVersion.alias()
    return (
        Pipeline.live(who.org_id, Pipeline, PipelineVersion, published.version)
        .join(
            PipelineVersion,
            on=(PipelineVersion.id == Pipeline.current_version_id),
            attr="current",
        )
        .join_from(
            Pipeline,
            published,
            peewee.JOIN.LEFT_OUTER,
            on=(published.id == Pipeline.published_version_id),
            attr="published",
        )
    )
