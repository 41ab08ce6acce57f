"""/runs/{run_id}/pause, resume, step, stop, set- and clear-breakpoint (contract 05, Control)."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.fields import Flag, StrictSchema, Text
from app.api.runs.runs import PATH
from app.api.runs.schemas import BreakpointOut
from app.api.security import principal, requires
from app.services.runs import control

blp = Blueprint("control", __name__, url_prefix=PATH, description="Commands to runs.")


class CommandIn(StrictSchema):
    """A command without fields."""


class SetBreakpointIn(StrictSchema):
    """Where the run is to pause: before `stage_id` or each of `stage_ids`, on `condition` (an
    expression) when it is given; with `on_error` before their failure takes effect, or that of any
    stage when none is named."""

    stage_id = Text(load_default=None, allow_none=True)
    stage_ids = fields.List(Text(), load_default=None, allow_none=True)
    condition = Text(load_default=None, allow_none=True, metadata={"example": "item.n > 10"})
    on_error = Flag(load_default=False)


class ClearBreakpointIn(StrictSchema):
    """Which breakpoints to remove: those of a stage, or all."""

    stage_id = Text(load_default=None, allow_none=True)


class RunControlOut(Schema):
    """What a run was last asked for, and where it stands."""

    run_id = fields.String(required=True)
    status = fields.String(required=True)
    mode = fields.String(required=True)
    paused_before = fields.String(required=True, allow_none=True)
    paused_iteration = fields.List(fields.Integer(), required=True)
    breakpoints = fields.List(fields.Nested(BreakpointOut), required=True)


@blp.route("/<string:run_id>/pause")
class Pause(MethodView):
    """A halt at the next boundary."""

    @requires("runs:write")
    @blp.arguments(CommandIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Pause a run; what is under way finishes first."""
        return answer(control.pause(principal(), run_id))


@blp.route("/<string:run_id>/resume")
class Resume(MethodView):
    """The end of a halt."""

    @requires("runs:write")
    @blp.arguments(CommandIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Have a paused run go on, or take back a pause that is not reached yet."""
        return answer(control.resume(principal(), run_id))


@blp.route("/<string:run_id>/step")
class Step(MethodView):
    """One stage further."""

    @requires("runs:write")
    @blp.arguments(CommandIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Have a paused run execute the stage before which it stands, and pause again."""
        return answer(control.step(principal(), run_id))


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


@blp.route("/<string:run_id>/set-breakpoint")
class SetBreakpoint(MethodView):
    """A place to pause at."""

    @requires("runs:write")
    @blp.arguments(SetBreakpointIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Add breakpoints to a run, or replace those of the same stages and kind."""
        return answer(control.set_breakpoint(principal(), run_id, **args))


@blp.route("/<string:run_id>/clear-breakpoint")
class ClearBreakpoint(MethodView):
    """A place to pause at no more."""

    @requires("runs:write")
    @blp.arguments(ClearBreakpointIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Remove the breakpoints of a stage, or all of a run's."""
        return answer(control.clear_breakpoint(principal(), run_id, **args))
