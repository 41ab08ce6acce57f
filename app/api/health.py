"""Whether Studio serves. Open to everyone; the answers are no problem documents."""

from __future__ import annotations

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from app import __version__
from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.security import NONE, requires
from app.infra import database
from app.services import readiness

blp = Blueprint("health", __name__, description="Whether Studio serves.")


class Health(Schema):
    """How the server is."""

    status = fields.String(required=True, metadata={"enum": ["healthy", "unhealthy"]})
    version = fields.String(required=True)


class Checks(Schema):
    """What was looked at. `ok`, or a sentence that says what is wrong."""

    database = fields.String(required=True)
    broker = fields.String(
        required=True, metadata={"description": "Told, but no reason not to be ready."}
    )
    migrations = fields.String(required=True)
    oldest_pending_seconds = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "How long ago the oldest pending run was made; null: none waits."},
    )


class Ready(Schema):
    """Whether requests can be served in full."""

    status = fields.String(required=True, metadata={"enum": ["ready", "not_ready"]})
    checks = fields.Nested(Checks, required=True)


class Alive(Schema):
    """That the process serves."""

    status = fields.String(required=True, metadata={"enum": ["alive"]})


@blp.route("/health")
@blp.route("/api/v1/health", endpoint="ApiHealth")
class HealthView(MethodView):
    """The database answers, or it does not."""

    @requires(NONE)
    @blp.response(200, Health)
    @blp.alt_response(503, schema=Health)
    def get(self) -> Response:
        """Whether the database answers within two seconds."""
        healthy = database.answers(2.0)
        status = "healthy" if healthy else "unhealthy"
        return answer({"status": status, "version": __version__}, 200 if healthy else 503)


@blp.route("/livez")
class LivezView(MethodView):
    """The process serves."""

    @requires(NONE)
    @blp.response(200, Alive)
    def get(self) -> Response:
        """That this process serves requests."""
        return answer({"status": "alive"})


@blp.route("/readyz")
class ReadyzView(MethodView):
    """Studio can do its work, or it cannot."""

    @requires(NONE)
    @blp.response(200, Ready)
    @blp.alt_response(503, schema=Ready)
    def get(self) -> Response:
        """Whether database and schema are as they should be, within two seconds."""
        ready, checks = readiness.check()
        status = "ready" if ready else "not_ready"
        return answer({"status": status, "checks": checks}, 200 if ready else 503)
