"""/runs: starting a run, listing them, reading one, its status and its events."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.views import MethodView

from app.api.answers import answer
from app.api.bodies import Blueprint, body
from app.api.paging import listing, page_of
from app.api.runs.headers import idempotency, of_start, trace_id
from app.api.runs.schemas import (
    EventListOut,
    EventsQuery,
    RunIn,
    RunOut,
    RunsQuery,
    RunStatusOut,
    RunSummaryOut,
)
from app.api.security import principal, requires
from app.services.runs import read
from app.services.runs.listing import Filters, list_runs
from app.services.runs.start import start_run

PATH = "/api/v1/runs"
blp = Blueprint("runs", __name__, url_prefix=PATH, description="Executions of pipelines.")


@blp.route("")
class Runs(MethodView):
    """The organisation's runs."""

    @requires("runs:read")
    @blp.arguments(RunsQuery(), location="query")
    @blp.response(200, listing("RunList", RunSummaryOut))
    def get(self, query: dict[str, Any]) -> Response:
        """List runs, newest first."""
        filters = Filters(
            statuses=query["status"],
            pipeline=query["pipeline_id"],
            trigger=query["trigger"],
            parent_run_id=query["parent_run_id"],
            created_after=query["created_after"],
            created_before=query["created_before"],
        )
        return answer(list_runs(principal(), filters, page_of(query)))

    @requires("runs:write")
    @blp.arguments(RunIn())
    @blp.response(202, RunOut)
    def post(self, args: dict[str, Any]) -> Response:
        """Start a run; it is accepted once this is answered."""
        started = start_run(
            principal(),
            args["pipeline_id"],
            args["input"],
            breakpoints=args["breakpoints"],
            stop_on_entry=args["stop_on_entry"],
            metadata=args["metadata"],
            priority=args["priority"],
            trace_id=trace_id(request),
            idempotency=idempotency(request, body()),
        )
        return answer(started.run, 202, of_start(started))


@blp.route("/<string:run_id>")
class Run(MethodView):
    """One run."""

    @requires("runs:read")
    @blp.response(200, RunOut)
    def get(self, run_id: str) -> Response:
        """Read a run with its stages."""
        return answer(read.get_run(principal(), run_id))


@blp.route("/<string:run_id>/status")
class RunStatus(MethodView):
    """Where one run stands."""

    @requires("runs:read")
    @blp.response(200, RunStatusOut)
    def get(self, run_id: str) -> Response:
        """Read where a run stands."""
        return answer(read.get_status(principal(), run_id))


@blp.route("/<string:run_id>/events")
class RunEvents(MethodView):
    """What happened in one run."""

    @requires("runs:read")
    @blp.arguments(EventsQuery(), location="query")
    @blp.response(200, EventListOut)
    def get(self, query: dict[str, Any], run_id: str) -> Response:
        """List the events of a run, oldest first."""
        return answer(read.list_events(principal(), run_id, query["after_seq"], query["limit"]))
