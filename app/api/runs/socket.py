"""`/ws/runs`: admits a WebSocket and lets a session of `app.realtime` talk over it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import flask_sock
from flask import Blueprint, Flask, Request, current_app, g, request
from simple_websocket import ConnectionClosed
from werkzeug.exceptions import BadRequest

from app.api.runs.watching import Journals, heads, renewal, this_request, visit
from app.api.security import check_socket_origin, identify, identify_token
from app.core.errors import Unauthenticated
from app.core.principal import Principal
from app.infra import database
from app.realtime import hub
from app.realtime.frames import Frames, SocketWire
from app.realtime.messages import MAX_BYTES
from app.realtime.session import Session
from app.services.identity.me import get_me
from app.services.runs import control

log = logging.getLogger(__name__)

#: What each message of `session` does: the same as the route of that name.
_COMMANDS: Mapping[str, Callable[..., Mapping[str, Any]]] = {
    "pause": control.pause,
    "resume": control.resume,
    "step": control.step,
    "stop": control.stop,
    "set_breakpoint": control.set_breakpoint,
    "clear_breakpoint": control.clear_breakpoint,
}
_FAILED = 1011
_VERSION = "13"


def register(app: Flask) -> None:
    """Adds `GET /api/v1/ws/runs` to the application."""
    blueprint = Blueprint("socket", __name__, url_prefix="/api/v1")
    blueprint.before_request(_admit)
    # flask-sock looks its server class up in its own module. Pings are the session's.
    flask_sock.Server = Frames
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": MAX_BYTES}
    flask_sock.Sock().route("/ws/runs", bp=blueprint)(_talk)
    app.register_blueprint(blueprint)


def _admit() -> None:
    """Before the upgrade, while a refusal can still be a problem document."""
    check_socket_origin(request)
    g.watcher = identify(request)
    if g.watcher is None and current_app.config["MODE"] == "local":
        raise Unauthenticated
    headers = request.headers
    if headers.get("Sec-WebSocket-Version") != _VERSION or not headers.get("Sec-WebSocket-Key"):
        raise BadRequest
    hub.shared(heads).check_room()
    database.release()


def _talk(frames: Frames) -> None:
    wire, rooms = SocketWire(frames), hub.shared(heads)
    session = Session(wire, _House(this_request()), rooms, g.watcher, renewal(g.watcher))
    rooms.register(session)
    threading.Thread(target=_listen, args=(frames, session), daemon=True).start()
    try:
        session.run()
    except Exception:
        # Flask would answer 500 on the upgraded socket, in the middle of its frames.
        log.exception("a socket failed", extra={"action": "socket_failed"})
        wire.close(_FAILED, "Something went wrong here.")
    finally:
        rooms.unregister(session)
        frames.wait_closed()


def _listen(frames: Frames, session: Session) -> None:
    # Only whoever reads learns that a client went away.
    try:
        while True:
            session.hear(frames.receive())
    except ConnectionClosed:
        session.gone()


class _House(Journals):
    """`session.House` over the services."""

    def __init__(self, opened: Request) -> None:
        self._opened = opened

    def authenticate(self, token: str) -> Principal:
        """The caller that a token stands for. Raises Unauthenticated."""
        with visit():
            return identify_token(token, self._opened)

    def user(self, who: Principal) -> Mapping[str, Any] | None:
        """`{id, name}` of the caller; None when it is no user."""
        with visit():
            user = get_me(who)["user"]
        return user and {"id": user["id"], "name": user["name"]}

    def control(self, who: Principal, command: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Gives a run a command; gives its RunControl. Raises ValidationFailed, NotFound,
        IllegalMove."""
        with visit():
            return _COMMANDS[command](who, **fields)
