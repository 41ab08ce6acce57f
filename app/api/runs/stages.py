"""/runs/{run_id}/stages: all stage runs of a run, page by page."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow.validate import OneOf

from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.fields import Text
from app.api.paging import PageQuery, listing, page_of
from app.api.runs.schemas import StageRunOut
from app.api.security import principal, requires
from app.core.states import StageStatus
from app.services.runs import read

blp = Blueprint("stages", __name__, url_prefix="/api/v1/runs", description="Stages of a run.")


class StagesQuery(PageQuery):
    """Which stage runs to list."""

    stage_id = Text(load_default=None)
    status = Text(load_default=None, validate=OneOf(list(StageStatus)))


@blp.route("/<string:run_id>/stages")
class RunStages(MethodView):
    """The stage runs of one run."""

    @requires("runs:read")
    @blp.arguments(StagesQuery(), location="query")
    @blp.response(200, listing("StageRunList", StageRunOut))
    def get(self, query: dict[str, Any], run_id: str) -> Response:
        """List the stage runs of a run, in order of first start; a page may end early."""
        found = read.list_stages(
            principal(), run_id, page_of(query), query["stage_id"], query["status"]
        )
        return answer(found)
