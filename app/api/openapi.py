"""The OpenAPI 3.1 document of all routes, made once per process."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app
from flask.views import MethodView
from flask_smorest import Api
from marshmallow import INCLUDE, Schema, fields

from app import __version__
from app.api.bodies import Blueprint
from app.api.problems import MEDIA_TYPE
from app.api.security import NONE, requires
from app.core import wire

_SECURITY_SCHEMES = {
    "bearerAuth": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

blp = Blueprint("openapi", __name__, description="This document.")


class UsedByOut(Schema):
    """What keeps a thing from being deleted."""

    type = fields.String(required=True, metadata={"example": "run"})
    id = fields.String(required=True)
    name = fields.String(required=True)


class ProblemOut(Schema):
    """A refusal (RFC 9457). `errors` maps JSON pointers into the body to sentences."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    instance = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    problems = fields.List(fields.Dict())
    required_scope = fields.String()
    used_by = fields.List(fields.Nested(UsedByOut))
    limit_bytes = fields.Integer()

    class Meta:
        unknown = INCLUDE


class StudioApi(Api):
    """Smorest whose refusals are problem documents, and which tells nothing that we do not use."""

    DEFAULT_ERROR_RESPONSE_NAME = "Problem"

    def _register_error_handlers(self) -> None:
        """None: `problems` has them all."""

    def _register_etag_headers(self) -> None:
        """None: tags are told by the resources that have them."""

    def _register_pagination_header(self) -> None:
        """None: lists page by cursor."""

    def _register_responses(self) -> None:
        self.spec.components.response(
            self.DEFAULT_ERROR_RESPONSE_NAME,
            {
                "description": "Refused; the document says why.",
                "content": {MEDIA_TYPE: {"schema": ProblemOut}},
            },
        )


@blp.route("/api/v1/openapi.json")
class OpenApiView(MethodView):
    """The document of the API."""

    @requires(NONE)
    @blp.response(200, {"type": "object"}, description="An OpenAPI 3.1 document.")
    def get(self) -> Response:
        """The OpenAPI 3.1 document of all routes."""
        return Response(_document(current_app), content_type="application/json")


def _document(app: Flask) -> bytes:
    made = app.extensions.get("openapi_document")
    if made is None:
        spec = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec
        made = app.extensions["openapi_document"] = wire.dumps_bytes(finished(spec.to_dict()))
    return bytes(made)


def finished(document: dict[str, Any]) -> dict[str, Any]:
    """The document with one form for all refusals: smorest tells 422 apart, we do not."""
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                operation["responses"].pop("422", None)
    return document


def configure(app: Flask) -> StudioApi:
    """The API of `app`; blueprints are registered with it."""
    app.config.update(
        API_TITLE="FlowMason Studio",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={"components": {"securitySchemes": _SECURITY_SCHEMES}},
    )
    api = StudioApi(app)
    api.ma_plugin.converter.add_attribute_function(_both_forms)
    return api


def _both_forms(converter: Any, field: Any, ret: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Of a field that takes a text in place of an object: the one or the other."""
    if not getattr(field, "is_also_text", False):
        return {}
    return {"anyOf": [{"type": "string"}, {"$ref": ret.pop("$ref")}]}
