"""/time-travel/{run_id}/replay: a run again from a snapshot on (contract 05, Replay)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask.views import MethodView
from marshmallow import ValidationError, fields

from app.api.answers import answer
from app.api.bodies import Blueprint, body
from app.api.fields import FreeForm, StrictSchema, Text
from app.api.runs.headers import idempotency, of_start, trace_id
from app.api.runs.schemas import BreakpointField, RunOut
from app.api.security import principal, requires
from app.services.runs.replay import start_replay

blp = Blueprint(
    "replay",
    __name__,
    url_prefix="/api/v1/time-travel",
    description="Runs again, from a place in their history.",
)


class StageOverrideIn(StrictSchema):
    """Members of a stage, merged into the recorded ones; objects member by member. The document
    that this makes is judged as any other."""

    config = FreeForm()
    llm = FreeForm(allow_none=True)
    retry = FreeForm()
    timeout_ms = fields.Raw(allow_none=True, metadata={"type": "integer"})
    when = fields.Raw(allow_none=True, metadata={"type": "string"})


class ByStage(fields.Dict):
    """An object keyed by stage id; what is wrong in it is told at its own place."""

    def __init__(self, each: fields.Field, **options: Any) -> None:
        super().__init__(keys=fields.String(), values=each, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("Not an object.")
        read, errors = {}, {}
        for stage_id, item in value.items():
            try:
                read[stage_id] = self.value_field.deserialize(item)
            except ValidationError as refused:
                errors[stage_id] = refused.messages
        if errors:
            raise ValidationError(errors)
        return read


class ReplayIn(StrictSchema):
    """From where to replay. `input` replaces the run's input for what executes."""

    snapshot_id = Text(required=True)
    input = FreeForm()
    stage_overrides = ByStage(fields.Nested(StageOverrideIn), load_default=dict)
    breakpoints = fields.List(BreakpointField(), load_default=list)


@blp.route("/<string:run_id>/replay")
class Replay(MethodView):
    """A run again."""

    @requires("runs:write")
    @blp.arguments(ReplayIn())
    @blp.response(202, RunOut)
    def post(self, args: dict[str, Any], run_id: str) -> Response:
        """Start a run that takes over what was finished at a snapshot and executes the rest."""
        started = start_replay(
            principal(),
            run_id,
            args["snapshot_id"],
            input=args.get("input"),
            stage_overrides=args["stage_overrides"],
            breakpoints=args["breakpoints"],
            trace_id=trace_id(request),
            idempotency=idempotency(request, body()),
        )
        return answer(started.run, 202, of_start(started))
