"""Copying a pipeline under another name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from app.core.errors import NameTaken, Unavailable
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine.validation.checks import MAX_NAME
from app.models.pipelines import Pipeline, PipelineVersion
from app.services.pipelines.documents import create_pipeline, resolve
from app.services.pipelines.versions import FIRST
from app.services.pipelines.views import Shown

_MOST_TRIES = 100  # each one lost is one that somebody else has won


def clone_pipeline(who: Principal, reference: str, name: str | None = None) -> Shown:
    """Save the document that a run of `reference` would take as a new pipeline: 1.0.0, a draft.

    Without a name it is the first free one of `NAME-copy`, `NAME-copy-2`... Raises NotFound,
    NameTaken, InvalidPipeline for a bad name or when the document is not good any more, Unavailable
    when others take each free name first.
    """
    version = resolve(who, reference)
    document = PipelineVersion.get_by_id(version.id).document
    if name is not None:
        return _copy(who, document, name)
    for _ in range(_MOST_TRIES):
        try:
            return _copy(who, document, _free_name(who, version.pipeline_name))
        except NameTaken:
            continue  # somebody else was faster
    raise Unavailable("Others clone this pipeline all the time; try again shortly.")


def _copy(who: Principal, document: dict[str, JSON], name: str) -> Shown:
    return create_pipeline(who, {**document, "name": name, "version": FIRST})


def _free_name(who: Principal, name: str) -> str:
    taken = {row.name for row in Pipeline.live(who.org_id, Pipeline.name)}
    return next(each for each in _copies(name) if each not in taken)


def _copies(name: str) -> Iterator[str]:
    for number in count(1):
        ending = "-copy" if number == 1 else f"-copy-{number}"
        yield name[: MAX_NAME - len(ending)] + ending
