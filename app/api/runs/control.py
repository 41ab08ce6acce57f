"""/runs/{run_id}/stop and /cancel: commands to a run (contract 05, Control)."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.fields import StrictSchema
from app.api.runs.runs import PATH
from app.api.security import principal, requires
from app.services.runs import control

blp = Blueprint("control", __name__, url_prefix=PATH, description="Commands to runs.")


class CommandIn(StrictSchema):
    """A command without fields."""


class RunControlOut(Schema):
    """What a run was last asked for, and where it stands."""

    run_id = fields.String(required=True)
    status = fields.String(required=True)
    mode = fields.String(required=True)
    paused_before = fields.String(required=True, allow_none=True)
    paused_iteration = fields.List(fields.Integer(), required=True)
    breakpoints = fields.List(fields.Raw(), required=True)


@blp.route("/<string:run_id>/stop")
class Stop(MethodView):
    """The end of a run before its time."""

    @requires("runs:write")
    @blp.arguments(CommandIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Stop a run and the child runs that it awaits."""
        return answer(control.stop(principal(), run_id))


@blp.route("/<string:run_id>/cancel")
class Cancel(MethodView):
    """Another name for stop."""

    @requires("runs:write")
    @blp.arguments(CommandIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Stop a run; the same as `stop`."""
        return answer(control.stop(principal(), run_id))
