"""Publishing versions, and withdrawing them.

Several versions may be published; a reference without a version means the highest of them, which
the pipeline's row names.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from app.core import clock
from app.core.errors import IllegalMove, ValidationFailed
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.states import RunStatus
from app.infra.database import transaction
from app.models.pipelines import Pipeline, PipelineVersion
from app.models.runs import Run
from app.models.testing import TestRun
from app.services.identity import audit
from app.services.pipelines.documents import find_saved
from app.services.pipelines.holding import hold
from app.services.pipelines.saving import checked, new_etag
from app.services.pipelines.views import Shown


def publish_pipeline(
    who: Principal,
    reference: str,
    version: str | None = None,
    test_run_id: str | None = None,
    if_match: Collection[str] | None = None,
) -> Shown:
    """Publish a saved version: the given one, else that of the reference, else the newest.

    Its document is judged again, against the components present now. What is published already
    stays as it is. Raises NotFound for an unknown pipeline or version; InvalidPipeline;
    ValidationFailed when `test_run_id` is no completed run of exactly that version and no test run
    of it that passed, or when `version` and the reference name different ones; PreconditionFailed.
    """
    saved = _meant(who, reference, version)
    checked(who, {**saved.document, "name": saved.pipeline.name}, saved.pipeline_id)
    if test_run_id is not None:
        _check_test(who, saved, test_run_id)
    with transaction():
        pipeline = hold(who, saved.pipeline_id, if_match)
        etag = _publish(who, pipeline, saved, test_run_id)
        published_at = PipelineVersion.get_by_id(saved.id).published_at
    body = {
        "pipeline_id": pipeline.id,
        "version": saved.version,
        "status": "published",
        "published_at": clock.text(published_at),
        "message": f"Version {saved.version} is published.",
    }
    return Shown(body, etag)


def _meant(who: Principal, reference: str, version: str | None) -> Any:
    alone, named, in_reference = reference.partition("@")
    if version is None:
        return find_saved(who, reference)
    if named and in_reference != version:
        raise ValidationFailed({"/version": [f"The path names version {in_reference}."]})
    return find_saved(who, f"{alone}@{version}")


def _check_test(who: Principal, saved: Any, run_id: str) -> None:
    if not (_has_completed(who, saved, run_id) or _has_passed(who, saved, run_id)):
        sentence = f"This must be a completed run or a passed test run of version {saved.version}."
        raise ValidationFailed({"/test_run_id": [sentence]})


def _has_completed(who: Principal, saved: Any, run_id: str) -> bool:
    return is_id(run_id, "run") and bool(
        Run.of(who.org_id)
        .where(
            Run.id == run_id,
            Run.pipeline_version_id == saved.id,
            Run.status == RunStatus.COMPLETED.value,
            Run.document.is_null(),  # executed as it is, without mocks or changes
        )
        .exists()
    )


def _has_passed(who: Principal, saved: Any, test_id: str) -> bool:
    return is_id(test_id, "tst") and bool(
        TestRun.of(who.org_id)
        .where(
            TestRun.id == test_id,
            TestRun.pipeline_id == saved.pipeline_id,
            TestRun.pipeline_version == saved.version,
            TestRun.status == "passed",
        )
        .exists()
    )


def _publish(who: Principal, pipeline: Any, saved: Any, test_run_id: str | None) -> str:
    """Marks the version of a pipeline that is held; gives the pipeline's tag."""
    now = clock.now()
    unpublished = PipelineVersion.published_at.is_null()
    marked = (
        PipelineVersion.update(published_at=now)
        .where(PipelineVersion.id == saved.id, unpublished)
        .execute()
    )
    tested = test_run_id or pipeline.last_test_run_id
    if not marked and tested == pipeline.last_test_run_id:
        return str(pipeline.etag)
    highest = _published(pipeline).first()
    audit.record(who, "pipeline.published", pipeline.id, name=pipeline.name, version=saved.version)
    return _change(
        pipeline,
        now,
        status="published",
        published_version_id=highest.id,
        published_at=highest.published_at,
        last_test_run_id=tested,
    )


def unpublish_pipeline(
    who: Principal, reference: str, if_match: Collection[str] | None = None
) -> Shown:
    """Withdraw every published version; a reference without a version then means the newest one.

    A version in `reference` must exist, and changes nothing of that. Raises NotFound,
    PreconditionFailed, IllegalMove when none is published.
    """
    pipeline_id = find_saved(who, reference).pipeline_id
    with transaction():
        pipeline = hold(who, pipeline_id, if_match)
        if pipeline.status == "draft":
            raise IllegalMove("A draft pipeline cannot be unpublished: only a published one can.")
        versions = _withdraw(pipeline)
        etag = _change(
            pipeline, clock.now(), status="draft", published_version_id=None, published_at=None
        )
        audit.record(
            who, "pipeline.unpublished", pipeline.id, name=pipeline.name, versions=versions
        )
    body = {
        "pipeline_id": pipeline.id,
        "version": versions[0],
        "status": "draft",
        "message": f"Withdrawn: {', '.join(versions)}.",
    }
    return Shown(body, etag)


def _withdraw(pipeline: Any) -> list[str]:
    """Unmarks every version of a pipeline that is held; gives them, the highest first."""
    versions = [row.version for row in _published(pipeline)]
    every = PipelineVersion.pipeline == pipeline.id
    PipelineVersion.update(published_at=None).where(every).execute()
    return versions


def _published(pipeline: Any) -> Any:
    columns = (PipelineVersion.id, PipelineVersion.version, PipelineVersion.published_at)
    return (
        PipelineVersion.select(*columns)
        .where(PipelineVersion.pipeline == pipeline.id, PipelineVersion.published_at.is_null(False))
        .order_by(PipelineVersion.sort_key.desc())
    )


def _change(pipeline: Any, now: datetime, **columns: Any) -> str:
    etag = new_etag()
    changed = Pipeline.update(etag=etag, updated_at=now, **columns)
    changed.where(Pipeline.id == pipeline.id).execute()
    return etag
