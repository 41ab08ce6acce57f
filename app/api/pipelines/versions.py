"""/pipelines/ID/versions: what was saved."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from app.api.answers import answer
from app.api.etags import tag
from app.api.paging import PageQuery, listing, page_of
from app.api.pipelines.blueprint import blp
from app.api.pipelines.schemas import PipelineVersionDetail, PipelineVersionOut
from app.api.security import principal, requires
from app.services.pipelines import history


@blp.route("/<string:pipeline_id>/versions")
class PipelineVersions(MethodView):
    """The saved versions of a pipeline."""

    @requires("pipelines:read")
    @blp.arguments(PageQuery(), location="query")
    @blp.response(200, listing("PipelineVersionList", PipelineVersionOut))
    def get(self, query: dict[str, Any], pipeline_id: str) -> Response:
        """List the versions of a pipeline, the highest first."""
        return answer(history.list_versions(principal(), pipeline_id, page_of(query)))


@blp.route("/<string:pipeline_id>/versions/<string:version>")
class PipelineVersion(MethodView):
    """One saved version; it never changes."""

    @requires("pipelines:read")
    @blp.response(200, PipelineVersionDetail)
    def get(self, pipeline_id: str, version: str) -> Response:
        """Read a version with its document."""
        shown = history.get_version(principal(), pipeline_id, version)
        return answer(shown.body, headers=tag(shown.etag))
