"""The one table from a refusal to contract 00's status and code, and its document."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from app.core import errors, wire
from app.core.wire import JSON
from app.infra.database import AWAY

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

#: Looked up along the class's ancestors, so the nearest one decides.
TABLE: dict[type[Exception], tuple[int, str]] = {
    errors.MalformedJson: (400, "malformed-json"),
    errors.JsonTooDeep: (400, "json-too-deep"),
    errors.BadCursor: (400, "bad-cursor"),
    errors.Unauthenticated: (401, "unauthenticated"),
    errors.Forbidden: (403, "forbidden"),
    errors.HostRefused: (403, "host-refused"),
    errors.OriginRefused: (403, "origin-refused"),
    errors.NotFound: (404, "not-found"),
    errors.NameTaken: (409, "name-taken"),
    errors.InUse: (409, "in-use"),
    errors.IllegalMove: (409, "illegal-move"),
    errors.Conflict: (409, "illegal-move"),
    errors.PreconditionFailed: (412, "precondition-failed"),
    errors.TooLarge: (413, "too-large"),
    errors.UnsupportedMediaType: (415, "unsupported-media-type"),
    errors.ValidationFailed: (422, "validation-failed"),
    errors.InvalidPipeline: (422, "invalid-pipeline"),
    errors.InvalidInput: (422, "invalid-input"),
    errors.IdempotencyMismatch: (422, "idempotency-mismatch"),
    errors.Unavailable: (503, "unavailable"),
    Exception: (500, "internal"),
}

#: What Flask and Werkzeug refuse by themselves, in our words.
_OF_STATUS: dict[int, tuple[str, str]] = {
    400: ("malformed-json", "The request cannot be read."),
    404: ("not-found", "There is nothing at this path."),
    405: ("method-not-allowed", "This path does not take this method."),
    415: ("unsupported-media-type", "The body must be application/json."),
}

_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "5"},
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal in the form of RFC 9457, without the members that only a request knows."""

    status: int
    code: str
    detail: str
    extra: dict[str, JSON] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def problem_of(error: Exception) -> Problem:
    """What a caller is told of `error`. Nothing internal: an unknown class is `internal`."""
    if isinstance(error, AWAY):
        error = errors.Unavailable(getattr(error, "detail", None))
    if isinstance(error, HTTPException):
        return _of_http(error)
    status, code = next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)
    detail = "Something went wrong here." if status == 500 else getattr(error, "detail", "")
    return Problem(status, code, detail, _extra(error), _HEADERS.get(status, {}))


def _extra(error: Exception) -> dict[str, JSON]:
    extra: dict[str, JSON] = {}
    if isinstance(error, errors.ValidationFailed):
        extra["errors"] = {pointer: list(told) for pointer, told in error.errors.items()}
    if isinstance(error, errors.InvalidPipeline):
        extra["problems"] = [found.to_json() for found in error.problems]
    if isinstance(error, errors.Forbidden) and error.required_scope:
        extra["required_scope"] = error.required_scope
    if isinstance(error, errors.InUse):
        extra["used_by"] = list(error.used_by)
    if isinstance(error, errors.TooLarge):
        extra["limit_bytes"] = error.limit_bytes
    return extra


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if status >= 500:
        return Problem(500, "internal", "Something went wrong here.")
    status = status if status in _OF_STATUS else 400
    code, detail = _OF_STATUS[status]
    headers = {name: text for name, text in error.get_headers() if name == "Allow"}
    return Problem(status, code, detail, headers=headers)


def answer_problem(error: Exception) -> Response:
    """The problem document of `error`, for the present request."""
    problem = problem_of(error)
    if isinstance(error, errors.NoRoom):
        log.warning("a connection was refused", extra={"action": "no_room"})
    elif problem.status >= 500:
        log.error("a request failed", extra={"action": "request_failed"}, exc_info=error)
    body = {
        "type": f"urn:flowmason:problem:{problem.code}",
        "title": problem.code.replace("-", " ").capitalize().replace("json", "JSON"),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": request.path,
        "request_id": g.get("request_id"),
        **problem.extra,
    }
    return Response(
        wire.dumps_bytes(body), problem.status, problem.headers, content_type=MEDIA_TYPE
    )


def register(app: Flask) -> None:
    """Makes every refusal of `app` a problem document."""
    app.register_error_handler(Exception, answer_problem)
