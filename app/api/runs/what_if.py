"""/time-travel/{run_id}/what-if: a run again with something changed (contract 05, What-if)."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request
from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields, validates_schema

from app.api.answers import answer
from app.api.bodies import Blueprint, body
from app.api.fields import Flag, FreeForm, StrictSchema, Text
from app.api.runs.headers import idempotency, of_start, trace_id
from app.api.runs.replay import ByStage
from app.api.runs.schemas import RunErrorOut
from app.api.runs.watching import Journals, heads
from app.api.security import principal, requires
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.infra import database
from app.realtime import hub
from app.realtime.waiting import Waiting
from app.services.runs.comparing import get_what_if
from app.services.runs.what_if import start_what_if

PATH = "/api/v1/time-travel"
_OR_NULL = {"required": True, "allow_none": True}

blp = Blueprint(
    "what-if", __name__, url_prefix=PATH, description="Runs again, with something changed."
)


class WhatIfChangesIn(StrictSchema):
    """What is different: `input` and `vars` by member, the others by stage id. At least one."""

    input = FreeForm()
    stage_outputs = FreeForm()
    stage_config = ByStage(FreeForm())
    vars = FreeForm()

    @validates_schema
    def _some(self, given: dict[str, Any], **_: Any) -> None:
        if not given:
            raise ValidationError("At least one of input, stage_outputs, stage_config and vars.")


class WhatIfIn(StrictSchema):
    """What to change, behind which snapshot. With `dry_run` effectful stages give what was
    recorded, unless they are `live`."""

    snapshot_id = Text(required=True)
    changes = fields.Nested(WhatIfChangesIn, required=True)
    dry_run = Flag(load_default=True)
    live = fields.List(Text(), load_default=list)


class SideOut(Schema):
    """What came of one of the two."""

    output = fields.Raw(**_OR_NULL)
    duration_ms = fields.Integer(**_OR_NULL)
    usage = fields.Dict(**_OR_NULL)


class WhatIfSideOut(SideOut):
    """What came of the what-if."""

    error = fields.Nested(RunErrorOut, **_OR_NULL)


class StageSideOut(SideOut):
    """What came of a stage in one of the two."""

    status = fields.String(required=True)
    output_truncated = fields.Boolean(metadata={"description": "Absent unless it is true."})


class PairOut(Schema):
    """One stage, iteration and round of both."""

    stage_id = fields.String(required=True)
    iteration_path = fields.List(fields.Integer(), required=True)
    round = fields.Integer(required=True)
    executed = fields.Boolean(required=True)
    original = fields.Nested(StageSideOut, **_OR_NULL)
    what_if = fields.Nested(StageSideOut, **_OR_NULL)
    changed = fields.Boolean(required=True)


class DifferenceOut(Schema):
    """A place where the outputs of the two differ; null where it is absent."""

    path = fields.String(required=True)
    old = fields.Raw(**_OR_NULL)
    new = fields.Raw(**_OR_NULL)


class WhatIfResultOut(Schema):
    """A what-if beside its source; nothing is compared until it has ended."""

    run_id = fields.String(required=True)
    what_if_run_id = fields.String(required=True)
    snapshot_id = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    status = fields.String(required=True)
    changes = fields.Dict(required=True)
    outputs_identical = fields.Boolean(**_OR_NULL)
    original = fields.Nested(SideOut, required=True)
    what_if = fields.Nested(WhatIfSideOut, required=True)
    stages = fields.List(fields.Nested(PairOut), required=True)
    differences = fields.List(fields.Nested(DifferenceOut), required=True)


@blp.route("/<string:run_id>/what-if")
class WhatIfs(MethodView):
    """Runs with something changed."""

    @requires("runs:write")
    @blp.arguments(WhatIfIn())
    @blp.response(202, WhatIfResultOut, description="It goes on; nothing is compared yet.")
    @blp.alt_response(200, schema=WhatIfResultOut, description="It has ended.")
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Execute what a change can reach, wait for it, and compare."""
        who = principal()
        started = start_what_if(
            who,
            run_id,
            args["snapshot_id"],
            args["changes"],
            dry_run=args["dry_run"],
            live=args["live"],
            trace_id=trace_id(request),
            idempotency=idempotency(request, body()),
        )
        _wait(who, started.run["id"])
        result = get_what_if(who, run_id, started.run["id"])
        headers = of_start(started) | {"Location": f"{PATH}/{run_id}/what-if/{started.run['id']}"}
        return answer(result, 200 if is_final(RunStatus(result["status"])) else 202, headers)


@blp.route("/<string:run_id>/what-if/<string:what_if_run_id>")
class WhatIf(MethodView):
    """One what-if."""

    @requires("runs:read")
    @blp.response(200, WhatIfResultOut)
    def get(self, run_id: str, what_if_run_id: str) -> Response:
        """Read a what-if of this run beside it."""
        return answer(get_what_if(principal(), run_id, what_if_run_id))


def _wait(who: Principal, run_id: str) -> None:
    seconds = current_app.config["SETTINGS"].sync_wait_seconds
    database.release()
    Waiting(Journals(), hub.shared(heads), who, run_id).wait(seconds)
