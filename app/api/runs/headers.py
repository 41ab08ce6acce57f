"""Request headers that steer the start of a run, and those of its answer."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Request

from app.core import wire
from app.core.errors import ValidationFailed
from app.services.runs.start import Idempotency, Started

_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?\Z")


def idempotency(request: Request, body: dict[str, Any]) -> Idempotency | None:
    """The request's Idempotency-Key with what it stands for; None without the header.

    Raises ValidationFailed unless the key is 1..255 visible ASCII characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.match(key):
        raise ValidationFailed({"Idempotency-Key": ["Not 1 to 255 visible ASCII characters."]})
    digest = hashlib.sha256(wire.canonical(body)).hexdigest()
    return Idempotency(key, f"{request.method} {request.path}", digest)


def of_start(started: Started) -> dict[str, str]:
    """The headers of an answer that tells of a started run."""
    headers = {"Location": f"/api/v1/runs/{started.run['id']}"}
    if started.replayed:
        headers["Idempotent-Replayed"] = "true"
    return headers


def trace_id(request: Request) -> str | None:
    """The trace id of a valid `traceparent` (W3C Trace Context, section 3.2); else None."""
    found = _TRACEPARENT.match(request.headers.get("traceparent", ""))
    if found is None:
        return None
    version, trace, parent, more = found.groups()
    if version == "ff" or (version == "00" and more) or not trace.strip("0"):
        return None
    return trace if parent.strip("0") else None
