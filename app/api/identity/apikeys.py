"""/auth/api-keys: making, listing, reading, revoking."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields
from marshmallow.validate import Length

from app.api.answers import answer, created, nothing
from app.api.bodies import Blueprint
from app.api.fields import Instant, QueryFlag, StrictSchema, Text
from app.api.paging import PageQuery, filters_of, listing, page_of
from app.api.security import ANY, principal, requires
from app.services.identity import apikeys

PATH = "/api/v1/auth/api-keys"
blp = Blueprint("api-keys", __name__, url_prefix=PATH, description="Credentials of programs.")


class ApiKeyIn(StrictSchema):
    """A key to make. `scopes` default to the caller's."""

    name = Text(required=True, validate=Length(1, 100), metadata={"example": "my-key"})
    scopes = fields.List(
        Text(),
        validate=Length(max=100),
        metadata={"example": ["pipelines:read", "runs:write"]},
    )
    expires_at = Instant(allow_none=True)


class ApiKeyOut(Schema):
    """A key, without its text."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    key_prefix = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    user_id = fields.String(required=True, allow_none=True)
    is_active = fields.Boolean(required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    revoked_at = fields.DateTime(required=True, allow_none=True)


class NewApiKeyOut(ApiKeyOut):
    """A key just made: the only answer that holds its text."""

    key = fields.String(required=True)


class ApiKeyQuery(PageQuery):
    """Which keys to list."""

    include_revoked = QueryFlag(load_default=False)


@blp.route("")
class ApiKeys(MethodView):
    """The keys that the caller may see."""

    @requires(ANY)
    @blp.arguments(ApiKeyIn())
    @blp.response(201, NewApiKeyOut)
    def post(self, args: dict[str, Any]) -> Response:
        """Make an API key."""
        made = apikeys.create_api_key(principal(), **args)
        return created(made, f"{PATH}/{made['id']}")

    @requires(ANY)
    @blp.arguments(ApiKeyQuery(), location="query")
    @blp.response(200, listing("ApiKeyList", ApiKeyOut))
    def get(self, query: dict[str, Any]) -> Response:
        """List API keys, newest first."""
        return answer(apikeys.list_api_keys(principal(), page_of(query), **filters_of(query)))


@blp.route("/<string:key_id>")
class ApiKey(MethodView):
    """One key."""

    @requires(ANY)
    @blp.response(200, ApiKeyOut)
    def get(self, key_id: str) -> Response:
        """Read an API key."""
        return answer(apikeys.get_api_key(principal(), key_id))

    @requires(ANY)
    @blp.response(204)
    def delete(self, key_id: str) -> Response:
        """Revoke an API key at once."""
        apikeys.revoke_api_key(principal(), key_id)
        return nothing()
