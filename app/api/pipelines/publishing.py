"""/pipelines/ID/publish and /unpublish."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.views import MethodView

from app.api.answers import answer
from app.api.etags import IF_MATCH, if_match, tag
from app.api.pipelines.blueprint import blp
from app.api.pipelines.schemas import PublishedOut, PublishIn, UnpublishedOut, UnpublishIn
from app.api.security import principal, requires
from app.services.pipelines.publishing import publish_pipeline, unpublish_pipeline


@blp.route("/<string:pipeline_id>/publish")
class PipelinePublication(MethodView):
    """Versions that runs take by the pipeline's name."""

    @requires("pipelines:write")
    @blp.doc(parameters=[IF_MATCH])
    @blp.arguments(PublishIn())
    @blp.response(200, PublishedOut)
    def post(self, args: dict[str, Any], pipeline_id: str) -> Response:
        """Publish a saved version, the newest unless one is named.

        Its document is judged again. What is published already is answered the same way.
        """
        told = publish_pipeline(principal(), pipeline_id, **args, if_match=if_match(request))
        return answer(told.body, headers=tag(told.etag))


@blp.route("/<string:pipeline_id>/unpublish")
class PipelineWithdrawal(MethodView):
    """The way back to a draft."""

    @requires("pipelines:write")
    @blp.doc(parameters=[IF_MATCH])
    @blp.arguments(UnpublishIn())
    @blp.response(200, UnpublishedOut)
    def post(self, args: dict[str, Any], pipeline_id: str) -> Response:
        """Withdraw every published version; runs take the newest saved one again."""
        told = unpublish_pipeline(principal(), pipeline_id, if_match(request))
        return answer(told.body, headers=tag(told.etag))
