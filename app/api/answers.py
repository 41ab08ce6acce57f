"""Answers: JSON bytes as services gave it, not dumped through a schema a second time."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

from app.core import wire
from app.core.wire import JSON


def answer(value: JSON, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(wire.dumps_bytes(value), status, headers, content_type="application/json")


def created(value: JSON, location: str, headers: Mapping[str, str] | None = None) -> Response:
    """201 with the new resource and the path where it can be read."""
    return answer(value, 201, {"Location": location, **(headers or {})})


def nothing() -> Response:
    """204."""
    return Response(status=204)
