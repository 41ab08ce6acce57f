"""/auth/me: the caller itself."""

from __future__ import annotations

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.identity.apikeys import ApiKeyOut
from app.api.security import ANY, principal, requires
from app.services.identity.me import get_me

blp = Blueprint("me", __name__, url_prefix="/api/v1/auth", description="The caller itself.")


class OrganizationOut(Schema):
    """A tenant."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    created_at = fields.DateTime(required=True)


class UserOut(Schema):
    """A person, with the role in the caller's organisation."""

    id = fields.String(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, allow_none=True)
    is_active = fields.Boolean(required=True)
    has_password = fields.Boolean(required=True)
    saml = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    last_login_at = fields.DateTime(required=True, allow_none=True)


class MeOut(Schema):
    """How the caller authenticated, as whom, and what it may do."""

    auth_type = fields.String(required=True)
    user = fields.Nested(UserOut, required=True, allow_none=True)
    organization = fields.Nested(OrganizationOut, required=True)
    scopes = fields.List(fields.String(), required=True)
    api_key = fields.Nested(ApiKeyOut, required=True, allow_none=True)
    client_id = fields.String(required=True, allow_none=True)
    expires_at = fields.DateTime(required=True, allow_none=True)


@blp.route("/me")
class Me(MethodView):
    """The caller."""

    @requires(ANY)
    @blp.response(200, MeOut)
    def get(self) -> Response:
        """Who am I?"""
        return answer(get_me(principal()))
