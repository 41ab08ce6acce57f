"""Tags of what can be changed (contract 00, ETag): told in answers, demanded by If-Match."""

from __future__ import annotations

from flask import Request

#: The header in the API document.
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "Only when the present ETag is one of these",
}


def tag(etag: str) -> dict[str, str]:
    """The header that tells a strong tag (RFC 9110 section 8.8.3)."""
    return {"ETag": f'"{etag}"'}


def if_match(incoming: Request) -> frozenset[str] | None:
    """The tags of which one must be the present one; None when any will do.

    Weak tags never match (RFC 9110 section 13.1.1).
    """
    if "If-Match" not in incoming.headers or incoming.if_match.star_tag:
        return None
    return frozenset(incoming.if_match.as_set())
