"""The query and the answer of every list (contract 00, Lists)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields
from marshmallow.validate import Range

from app.api.fields import QueryFlag, QueryNumber, StrictSchema, Text
from app.services.pages import Page


class PageQuery(StrictSchema):
    """`limit`, `cursor` and `count` of a list."""

    limit = QueryNumber(load_default=50, validate=Range(1, 200))
    cursor = Text(load_default=None)
    count = QueryFlag(load_default=False)


def page_of(query: Mapping[str, Any]) -> Page:
    """The part of a list that a query asks for."""
    return Page(query["limit"], query["cursor"], query["count"])


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
