"""/runs/patch and /runs/{run_id}/patch: paused runs go on otherwise than their document says."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields, validates_schema

from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.fields import Flag, FreeForm, StrictSchema, Text
from app.api.runs.control import RunControlOut
from app.api.runs.replay import ByStage
from app.api.runs.runs import PATH
from app.api.security import principal, requires
from app.services.runs import patching
from app.services.runs.patching import Patch

blp = Blueprint("patch", __name__, url_prefix=PATH, description="Changes of paused runs.")


class PatchIn(StrictSchema):
    """What is different, by stage id: members merged into the config; outputs given instead of
    executing the stage. At least one. Only stages that have not begun can be changed."""

    stage_config = ByStage(FreeForm(), load_default=dict)
    stage_outputs = FreeForm(load_default=dict)

    @validates_schema
    def _some(self, given: dict[str, Any], **_: Any) -> None:
        if not (given.get("stage_config") or given.get("stage_outputs")):
            raise ValidationError("At least one of stage_config and stage_outputs.")


class PatchAllIn(PatchIn):
    """Which runs: those of one version (that named behind `@`, else the newest saved) that are
    paused before the stage. `save_version` (scope pipelines:write) first saves the changed configs
    as the next version. A further request names the `version` that was answered, and goes on
    `after` the `next`."""

    pipeline_id = Text(required=True, metadata={"example": "orders@1.2.0"})
    paused_before = Text(required=True)
    after = Text(
        load_default=None, allow_none=True, metadata={"example": "run-01kb3x7m2e9s0q4v5w6y8z1abc"}
    )
    save_version = Flag(load_default=False)


class RefusedOut(Schema):
    """A run that could not be patched, and why."""

    run_id = fields.String(required=True)
    message = fields.String(required=True)


class PatchedOut(Schema):
    """What became of the runs; `next` is null when there are no more."""

    version = fields.String(required=True)
    saved_version = fields.String(required=True, allow_none=True)
    patched = fields.List(fields.String(), required=True)
    refused = fields.List(fields.Nested(RefusedOut), required=True)
    next = fields.String(required=True, allow_none=True)


@blp.route("/<string:run_id>/patch")
class PatchRun(MethodView):
    """A change of one run."""

    @requires("runs:write")
    @blp.arguments(PatchIn())
    @blp.response(200, RunControlOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Change config or outputs of stages of a paused run that have not begun."""
        return answer(patching.patch_run(principal(), run_id, Patch(**args)))


@blp.route("/patch")
class PatchRuns(MethodView):
    """A change of many runs."""

    @requires("runs:write")
    @blp.arguments(PatchAllIn())
    @blp.response(200, PatchedOut)
    def post(self, args: dict[str, Any]) -> Response:
        """Apply one patch to the runs of a version that are paused before the same stage."""
        patch = Patch(args.pop("stage_config"), args.pop("stage_outputs"))
        told = patching.patch_paused(
            principal(), args.pop("pipeline_id"), args.pop("paused_before"), patch, **args
        )
        return answer(told)
