"""/time-travel/{run_id}: the history of a run, and where its viewers stand in it (contract 05)."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.paging import listing, page_of
from app.api.runs.timetravel_schemas import (
    DiffQuery,
    SnapshotOut,
    SnapshotsQuery,
    SnapshotSummaryOut,
    StateDiffOut,
    StepIn,
    StepOut,
    TimelineOut,
)
from app.api.security import principal, requires
from app.services.runs import timetravel

blp = Blueprint(
    "time-travel",
    __name__,
    url_prefix="/api/v1/time-travel",
    description="The recorded history of runs.",
)


@blp.route("/<string:run_id>/timeline")
class Timeline(MethodView):
    """All that happened in a run, a line each."""

    @requires("runs:read")
    @blp.response(200, TimelineOut)
    def get(self, run_id: str) -> Response:
        """Read the timeline of a run; empty when no snapshots were captured."""
        return answer(timetravel.get_timeline(principal(), run_id))


@blp.route("/<string:run_id>/snapshots")
class Snapshots(MethodView):
    """The snapshots of a run."""

    @requires("runs:read")
    @blp.arguments(SnapshotsQuery(), location="query")
    @blp.response(200, listing("SnapshotList", SnapshotSummaryOut))
    def get(self, query: dict[str, Any], run_id: str) -> Response:
        """List the snapshots of a run, oldest first."""
        found = timetravel.list_snapshots(
            principal(), run_id, page_of(query), query["stage_id"], query["snapshot_type"]
        )
        return answer(found)


@blp.route("/<string:run_id>/snapshots/<string:snapshot_id>")
class Snapshot(MethodView):
    """One snapshot."""

    @requires("runs:read")
    @blp.response(200, SnapshotOut)
    def get(self, run_id: str, snapshot_id: str) -> Response:
        """Read the state of a run at a snapshot."""
        return answer(timetravel.get_snapshot(principal(), run_id, snapshot_id))


@blp.route("/<string:run_id>/diff")
class Diff(MethodView):
    """The difference of two states."""

    @requires("runs:read")
    @blp.arguments(DiffQuery(), location="query")
    @blp.response(200, StateDiffOut)
    def get(self, query: dict[str, Any], run_id: str) -> Response:
        """Compare two snapshots of a run."""
        return answer(timetravel.get_diff(principal(), run_id, query["from_"], query["to"]))


@blp.route("/<string:run_id>/step-back")
class StepBack(MethodView):
    """The snapshot before."""

    @requires("runs:write")
    @blp.arguments(StepIn())
    @blp.response(200, StepOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Move the viewing cursor back by one snapshot."""
        return answer(timetravel.step(principal(), run_id, -1, args["from_snapshot_id"]))


@blp.route("/<string:run_id>/step-forward")
class StepForward(MethodView):
    """The snapshot behind."""

    @requires("runs:write")
    @blp.arguments(StepIn())
    @blp.response(200, StepOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Move the viewing cursor forward by one snapshot."""
        return answer(timetravel.step(principal(), run_id, 1, args["from_snapshot_id"]))
