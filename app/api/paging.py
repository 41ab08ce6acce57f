"""The query and the answer of every list (contract 00, Lists)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import Schema, fields
from marshmallow.validate import Range

from app.api.fields import QueryFlag, QueryNumber, StrictSchema, Text
from app.api.security import principal
from app.core import wire
from app.services.pages import Page


class PageQuery(StrictSchema):
    """`limit`, `cursor` and `count` of a list."""

    limit = QueryNumber(load_default=50, validate=Range(1, 200))
    cursor = Text(load_default=None)
    count = QueryFlag(load_default=False)


_PAGING = ("limit", "cursor", "count")


def page_of(query: Mapping[str, Any]) -> Page:
    """The part of the list at the present path that a query asks for."""
    return Page(query["limit"], query["cursor"], query["count"], _list_of(filters_of(query)))


def filters_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """What a query of a list asks for besides its page."""
    return {name: value for name, value in query.items() if name not in _PAGING}


def _list_of(filters: Mapping[str, Any]) -> str:
    told = wire.canonical([principal().org_id, request.path, filters])
    return hashlib.blake2b(told, digest_size=8).hexdigest()


def listing(name: str, item: type[Schema]) -> type[Schema]:
    """The schema of a page of `item`, called `name` in the API document."""
    return type(
        name,
        (Schema,),
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next": fields.String(required=True, allow_none=True),
            "total": fields.Integer(metadata={"description": "Only with count=true."}),
        },
    )
