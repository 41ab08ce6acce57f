"""What every way of saving a document shares: the check before it, and the version's row."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime

from app.components import built_in
from app.core import wire
from app.core.errors import InvalidPipeline
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine.document import normalize
from app.engine.validation import in_document_order, validate_document
from app.models.pipelines import PipelineVersion
from app.services.pipelines.cycles import cycle_problems
from app.services.pipelines.versions import sort_key


def checked(
    who: Principal, raw: Mapping[str, JSON], pipeline_id: str | None = None
) -> dict[str, JSON]:
    """The document in the form that is stored. Raises InvalidPipeline with every problem.

    `pipeline_id`: of the pipeline that it is to be saved under, when that exists.
    """
    problems = validate_document(raw, built_in())
    cycles = cycle_problems(who, raw, pipeline_id)
    if problems or cycles:
        raise InvalidPipeline(in_document_order(raw, [*problems, *cycles]))
    return normalize(raw)


def insert_version(
    who: Principal,
    pipeline_id: str,
    version_id: str,
    document: Mapping[str, JSON],
    now: datetime,
) -> None:
    """Store a checked document with its version. Stands in the transaction of the saving."""
    PipelineVersion.create(
        id=version_id,
        pipeline=pipeline_id,
        version=document["version"],
        sort_key=sort_key(document["version"]),
        document=document,
        digest=hashlib.sha256(wire.canonical(document)).hexdigest(),
        created_by=author_of(who),
        created_at=now,
    )


def new_etag() -> str:
    """A tag that no state of any pipeline had before."""
    return secrets.token_hex(8)


def author_of(who: Principal) -> str | None:
    """Who is written down as the maker."""
    return who.user_id or who.client_id
