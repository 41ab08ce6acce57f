"""Holding a pipeline still while it is judged and changed: what was found true stays so."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.core.errors import NotFound, PreconditionFailed, ValidationFailed
from app.core.principal import Principal
from app.infra.database import locked
from app.models.pipelines import Pipeline


def hold(who: Principal, pipeline_id: str, if_match: Collection[str] | None) -> Any:
    """The pipeline's row, which nobody else changes before the open transaction ends.

    `if_match`: tags of which one must be the present one; None asks for nothing. Raises NotFound,
    also when it was deleted since it was looked up, and PreconditionFailed.
    """
    row = locked(Pipeline.live(who.org_id).where(Pipeline.id == pipeline_id)).first()
    if row is None:
        raise NotFound
    if if_match is not None and row.etag not in if_match:
        raise PreconditionFailed
    return row


def refuse_version(reference: str, sentence: str) -> None:
    """Raises ValidationFailed with `sentence` when the reference names a version."""
    if "@" in reference:
        raise ValidationFailed({"pipeline_id": [sentence]})
