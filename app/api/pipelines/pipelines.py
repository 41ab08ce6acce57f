"""/pipelines: creating, listing, reading, changing, deleting, cloning, judging."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.views import MethodView

from app.api.answers import answer, created, nothing
from app.api.bodies import read_object
from app.api.etags import IF_MATCH, if_match, tag
from app.api.paging import filters_of, listing, page_of
from app.api.pipelines.blueprint import PATH, blp
from app.api.pipelines.schemas import (
    ChangesIn,
    CloneIn,
    DocumentIn,
    PipelineOut,
    PipelineQuery,
    PipelineSummary,
    ValidateIn,
    ValidationOut,
)
from app.api.security import principal, requires
from app.services.pipelines import cloning, deleting, documents, updating, validation
from app.services.pipelines.listing import list_pipelines

_BODY = {"required": True, "content": {"application/json": {"schema": DocumentIn}}}
_CHANGES = {"content": {"application/json": {"schema": ChangesIn}}}


@blp.route("")
class Pipelines(MethodView):
    """The organisation's pipelines."""

    @requires("pipelines:read")
    @blp.arguments(PipelineQuery(), location="query")
    @blp.response(200, listing("PipelineList", PipelineSummary))
    def get(self, query: dict[str, Any]) -> Response:
        """List pipelines, newest update first."""
        return answer(list_pipelines(principal(), page_of(query), **filters_of(query)))

    @requires("pipelines:write")
    @blp.doc(requestBody=_BODY)
    @blp.response(201, PipelineOut)
    def post(self) -> Response:
        """Create a pipeline; every problem of its document is told at once."""
        made = documents.create_pipeline(principal(), read_object())
        return created(made.body, f"{PATH}/{made.body['id']}", tag(made.etag))


@blp.route("/<string:pipeline_id>")
class Pipeline(MethodView):
    """One pipeline: an id, a name, or either with `@version`."""

    @requires("pipelines:read")
    @blp.response(200, PipelineOut)
    def get(self, pipeline_id: str) -> Response:
        """Read a pipeline."""
        shown = documents.get_pipeline(principal(), pipeline_id)
        return answer(shown.body, headers=tag(shown.etag))

    @requires("pipelines:write")
    @blp.doc(requestBody=_CHANGES, parameters=[IF_MATCH])
    @blp.response(200, PipelineOut)
    def put(self, pipeline_id: str) -> Response:
        """Save a new version; an absent member keeps its value, null resets it.

        The version is the given one, which must be higher than every saved one, or the newest with
        patch + 1 (a pre-release part is dropped instead). What changes nothing saves nothing.
        """
        tags = if_match(request)
        shown = updating.update_pipeline(principal(), pipeline_id, read_object(), tags)
        return answer(shown.body, headers=tag(shown.etag))

    @requires("pipelines:write")
    @blp.doc(parameters=[IF_MATCH])
    @blp.response(204)
    def delete(self, pipeline_id: str) -> Response:
        """Delete a pipeline, named without a version; its finished runs stay readable.

        409 `in-use` tells what still uses it.
        """
        deleting.delete_pipeline(principal(), pipeline_id, if_match(request))
        return nothing()


@blp.route("/<string:pipeline_id>/clone")
class PipelineClone(MethodView):
    """A copy under another name."""

    @requires("pipelines:write")
    @blp.arguments(CloneIn())
    @blp.response(201, PipelineOut)
    def post(self, args: dict[str, Any], pipeline_id: str) -> Response:
        """Clone the version that a run would take; the copy is a draft of version 1.0.0.

        Without a name it is called `NAME-copy`, or the next free `NAME-copy-2`...
        """
        made = cloning.clone_pipeline(principal(), pipeline_id, **args)
        return created(made.body, f"{PATH}/{made.body['id']}", tag(made.etag))


@blp.route("/validate")
class DocumentValidation(MethodView):
    """What is wrong with a document, were it saved."""

    @requires("pipelines:read")
    @blp.doc(requestBody=_BODY)
    @blp.response(200, ValidationOut)
    def post(self) -> Response:
        """Validate a document without saving it; 200 also when it has problems."""
        return answer(validation.judge_document(principal(), read_object()))


@blp.route("/<string:pipeline_id>/validate")
class PipelineValidation(MethodView):
    """What is wrong with a saved document now."""

    @requires("pipelines:read")
    @blp.arguments(ValidateIn())
    @blp.response(200, ValidationOut)
    def post(self, args: dict[str, Any], pipeline_id: str) -> Response:
        """Validate the version that a run would take, and an input for it.

        What breaks the input_schema is a problem of code `invalid-input`, below `/input`.
        """
        return answer(validation.judge_pipeline(principal(), pipeline_id, args["input"]))
