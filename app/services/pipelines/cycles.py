"""Pipelines that would run themselves: constant references of subpipelines, followed (contract 01).

What a template names is known only when it runs; the run refuses it then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import peewee

from app.core.errors import Problem
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine.operators.subpipeline import Subpipeline
from app.engine.validation.checks import MAX_STAGES
from app.engine.validation.written_stage import WrittenStage
from app.models.pipelines import Pipeline, PipelineVersion

_MOST_PIPELINES = 1000  #: looked at; what leads further is left to the run


def cycle_problems(
    who: Principal, raw: Mapping[str, JSON], pipeline_id: str | None = None
) -> list[Problem]:
    """A problem for each stage of a document whose subpipeline leads back to it.

    `pipeline_id`: of the pipeline that the document is to be saved under, when there is one.
    Accepts any JSON object.
    """
    own = {name for name in (raw.get("name"), pipeline_id) if isinstance(name, str)}
    written = raw.get("stages")
    stages = [WrittenStage(i, one) for i, one in enumerate(_few(written))]
    found = []
    for stage in stages:
        reference = _reference(stage.read.component_type, stage.read.config)
        way = reference and _way_back(who, reference, own)
        if way:
            message = f"This pipeline would run itself: {' -> '.join([str(raw['name']), *way])}."
            place = stage.place("/config/pipeline_id")
            found.append(Problem(place, "subpipeline-cycle", message))
    return found


def _few(stages: JSON) -> Sequence[JSON]:
    return stages[:MAX_STAGES] if isinstance(stages, list) else ()


def _reference(component_type: str, config: Mapping[str, JSON]) -> str | None:
    """The pipeline that a stage names by a constant, without its version."""
    reference = config.get("pipeline_id")
    if component_type != Subpipeline.type or not isinstance(reference, str):
        return None
    return None if "{{" in reference or "\0" in reference else reference.partition("@")[0]


def _way_back(who: Principal, reference: str, own: set[str]) -> list[str] | None:
    """The references from one pipeline to the next that lead to one of `own`; None: none do."""
    ways = {reference: [reference]}
    level = [reference]
    while level and len(ways) <= _MOST_PIPELINES:
        back = next((name for name in level if name in own), None)
        if back is not None:
            return ways[back]
        level = [
            _remember(ways, name, further)
            for name, further in _steps(who, level)
            if further not in ways
        ]
    return None


def _remember(ways: dict[str, list[str]], name: str, further: str) -> str:
    ways[further] = [*ways[name], further]
    return further


def _steps(who: Principal, references: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each reference with those that its pipeline's newest document makes, one query for all."""
    for pipeline in _newest(who, references):
        own_names = {pipeline.pipeline.id, pipeline.pipeline.name}
        for stage in pipeline.document["stages"]:
            further = _reference(stage["component_type"], stage["config"])
            if further is not None:
                yield next(name for name in references if name in own_names), further


def _newest(who: Principal, references: Sequence[str]) -> Any:
    ids = [reference for reference in references if is_id(reference, "pl")]
    named = Pipeline.name.in_(list(references)) | Pipeline.id.in_(ids)
    return (
        PipelineVersion.select(PipelineVersion, Pipeline)
        .join(Pipeline, peewee.JOIN.INNER)
        .where(
            Pipeline.org == who.org_id,
            Pipeline.deleted_at.is_null(),
            named,
            PipelineVersion.id
            == peewee.fn.COALESCE(Pipeline.published_version_id, Pipeline.current_version_id),
        )
    )
