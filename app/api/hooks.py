"""What happens around every request: its id, the checks before routing, headers, release."""

from __future__ import annotations

import logging
import re

from flask import Flask, Response, g, request

from app.api.problems import answer_problem
from app.api.security import check_host_and_origin, client_address, note_refusal
from app.core import clock
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.infra import database
from config.logging import bind

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


def register(app: Flask) -> None:
    """Hangs the hooks into `app`."""
    app.before_request(_name_request)
    app.before_request(check_host_and_origin)
    app.after_request(_tell)
    app.after_request(_add_headers)
    app.teardown_request(_release)
    app.register_error_handler(Forbidden, _refuse)


def _name_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.match(given) else new_id("req")
    g.began = clock.monotonic()
    bind(request_id=g.request_id)


def _add_headers(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.path.startswith("/docs"):
        return response
    response.headers["Cache-Control"] = "no-store"
    return response


def _tell(response: Response) -> Response:
    """One line a request: the route, never the path or query, which may hold secrets."""
    who = g.get("principal")
    told = {
        "action": "request",
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "duration_ms": int((clock.monotonic() - g.began) * 1000),
        "org_id": who and who.org_id,
        "peer": client_address(request),
    }
    log.info("request answered", extra=told)
    return response


def _refuse(error: Forbidden) -> Response:
    note_refusal(error)
    return answer_problem(error)


def _release(_: BaseException | None) -> None:
    database.release()
