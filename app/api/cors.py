"""Cross-origin answers (contract 00, CORS): one named origin, never `*`, no credentials mode."""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, Response, request

from app.api.local import is_loopback_origin

_ALLOWED = (
    "Authorization, Content-Type, X-API-Key, X-Request-ID, Idempotency-Key, If-Match, traceparent,"
    " Last-Event-ID, X-FlowMason-Run"
)
_EXPOSED = (
    "ETag, Location, Retry-After, X-Request-ID, Idempotent-Replayed, RateLimit-Limit,"
    " RateLimit-Remaining, RateLimit-Reset"
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_MAX_AGE_SECONDS = "600"


def register(app: Flask, origins: Collection[str], any_loopback: bool) -> None:
    """Answers pages of `origins`, and with `any_loopback` those served by this machine."""

    def add_headers(response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin in origins or (any_loopback and is_loopback_origin(origin)):
            _allow(response, origin)
        return response

    app.after_request(add_headers)


def _allow(response: Response, origin: str) -> None:
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED
        response.headers["Access-Control-Max-Age"] = _MAX_AGE_SECONDS
