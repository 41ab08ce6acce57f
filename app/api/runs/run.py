"""/run: a pipeline by its name; the run's end can be waited for (contract 03, RunResult)."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request
from flask.views import MethodView
from marshmallow import Schema, fields
from marshmallow.validate import Length

from app.api.answers import answer
from app.api.bodies import Blueprint, body
from app.api.fields import Flag, FreeForm, StrictSchema, Text
from app.api.runs.headers import idempotency, of_start, trace_id
from app.api.runs.schemas import RunErrorOut
from app.api.runs.watching import Journals, heads
from app.api.security import principal, requires
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.core.wire import JSON
from app.infra import database
from app.realtime import hub
from app.realtime.waiting import Waiting
from app.services.runs import read
from app.services.runs.start import start_run

blp = Blueprint("run", __name__, url_prefix="/api/v1/run", description="Runs, waited for.")

_SAYS = {
    RunStatus.PENDING: "The run waits for a worker.",
    RunStatus.RUNNING: "The run goes on.",
    RunStatus.PAUSED: "The run is paused.",
    RunStatus.COMPLETED: "The run completed.",
    RunStatus.FAILED: "The run failed.",
    RunStatus.CANCELLED: "The run was cancelled.",
}
#: Outputs are refused by the documents of this version, so no run delivers anything.
_NO_DELIVERIES = {
    **dict.fromkeys(("total", "delivered", "pending", "failed", "blocked"), 0),
    "results": [],
}


class RunNowIn(StrictSchema):
    """A run to start. `pipeline` is a name or an id, with `@version` or without."""

    pipeline = Text(required=True, validate=Length(1, 300), metadata={"example": "my-pipeline"})
    input = FreeForm(load_default=dict)
    async_mode = Flag(load_default=True)


class RunResultOut(Schema):
    """What came of a run so far; the last three only for a request that waits."""

    run_id = fields.String(required=True)
    pipeline_id = fields.String(required=True)
    pipeline_name = fields.String(required=True)
    pipeline_version = fields.String(required=True)
    status = fields.String(required=True)
    message = fields.String(required=True)
    result = fields.Raw(allow_none=True)
    error = fields.Nested(RunErrorOut, allow_none=True)
    delivery_report = fields.Dict(allow_none=True)


@blp.route("")
class RunNow(MethodView):
    """A run that may be waited for."""

    @requires("runs:write")
    @blp.arguments(RunNowIn())
    @blp.response(202, RunResultOut, description="Accepted; or waited for, and it goes on.")
    @blp.alt_response(200, schema=RunResultOut, description="Waited for, and it has ended.")
    def post(self, args: dict[str, Any]) -> Response:
        """Start a run; with `async_mode` false, wait for its end."""
        who = principal()
        started = start_run(
            who,
            args["pipeline"],
            args["input"],
            trace_id=trace_id(request),
            idempotency=idempotency(request, body()),
        )
        if args["async_mode"]:
            return answer(_accepted(started.run), 202, of_start(started))
        result = _awaited(who, started.run["id"])
        return answer(result, 200 if result["delivery_report"] else 202, of_start(started))


def _accepted(run: dict[str, JSON]) -> dict[str, JSON]:
    told = ("run_id", "pipeline_id", "pipeline_name", "pipeline_version", "status")
    return {**{name: run[name] for name in told}, "message": _SAYS[run["status"]]}


def _awaited(who: Principal, run_id: str) -> dict[str, JSON]:
    seconds = current_app.config["SETTINGS"].sync_wait_seconds
    database.release()
    Waiting(Journals(), hub.shared(heads), who, run_id).wait(seconds)
    result = read.get_result(who, run_id)
    return {
        **_accepted(result),
        "result": result["result"],
        "error": result["error"],
        "delivery_report": _NO_DELIVERIES if is_final(RunStatus(result["status"])) else None,
    }
