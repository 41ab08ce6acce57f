"""/runs/{run_id}/events/stream: the events of a run as Server-Sent Events (contract 03, SSE)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, request
from flask.views import MethodView
from marshmallow import ValidationError

from app.api.bodies import Blueprint
from app.api.fields import QueryNumber, StrictSchema
from app.api.runs.runs import PATH
from app.api.runs.watching import Journals, heads, renewal
from app.api.security import principal, requires
from app.core.errors import ValidationFailed
from app.realtime import hub
from app.realtime.feed import Feed, Told

MEDIA_TYPE = "text/event-stream"
blp = Blueprint("stream", __name__, url_prefix=PATH, description="Events of runs as they happen.")

_STALL_SECONDS = 75.0
_LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Goes on after this event; wins over `after_seq`.",
    "schema": {"type": "integer", "minimum": 0},
}


class StreamQuery(StrictSchema):
    """Where the stream begins."""

    after_seq = QueryNumber(load_default=0)


@blp.route("/<string:run_id>/events/stream")
class RunStream(MethodView):
    """What happens in one run, as it happens."""

    @requires("runs:read")
    @blp.arguments(StreamQuery(), location="query")
    @blp.response(200, {"type": "string"}, content_type=MEDIA_TYPE, description="Until it ends.")
    @blp.doc(parameters=[_LAST_EVENT_ID])
    def get(self, query: dict[str, Any], run_id: str) -> Response:
        """Follow the events of a run until its last one, as Server-Sent Events."""
        who, after_seq, house = principal(), _after(query["after_seq"]), Journals()
        head, rooms = house.find(who, run_id), hub.shared(heads)
        rooms.check_room()
        feed = Feed(house, rooms, who, run_id, head, after_seq, renewal(who))
        _limit_stalls()
        # A proxy that gathers answers would hold back what happens.
        return Response(_lines(feed), headers={"X-Accel-Buffering": "no"}, content_type=MEDIA_TYPE)


def _after(asked: int) -> int:
    """The seq to go on after. A browser that connects again keeps its query, so the header wins.

    Raises ValidationFailed for a header that no event of ours had as its id.
    """
    given = request.headers.get("Last-Event-ID")
    if not given:
        return asked
    try:
        return int(QueryNumber().deserialize(given))
    except ValidationError:
        raise ValidationFailed({"Last-Event-ID": ["Not the id of an event."]}) from None


def _limit_stalls() -> None:
    # A client that takes nothing for so long is gone; its connection would stay for ever.
    socket = request.environ.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(_STALL_SECONDS)


def _lines(feed: Feed) -> Iterator[bytes]:
    for told in feed.events():
        yield _event(told).encode()


def _event(told: Told | None) -> str:
    if told is None:
        return ": ping\n\n"
    id = "" if told.seq is None else f"id: {told.seq}\n"
    # One line: JSON has its line breaks escaped.
    return f"{id}event: {told.type}\ndata: {told.text}\n\n"
