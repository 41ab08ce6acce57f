"""Strict fields: a value has its type or is refused; nothing is converted on the way in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from app.core import clock


class StrictSchema(Schema):
    """A body or query in which every member is known."""

    class Meta:
        unknown = RAISE
        ordered = True


class Text(fields.String):
    """A string without NUL, which PostgreSQL cannot store in a text column."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text:
            raise ValidationError("The character U+0000 is not allowed here.")
        return text


class Flag(fields.Boolean):
    """true or false of JSON; not 1, not "true"."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Instant(fields.DateTime):
    """An RFC 3339 time with an offset."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError("Not a valid time.")
        try:
            return clock.parse(value)
        except (ValueError, OverflowError):
            raise ValidationError("Not a time of RFC 3339 with an offset.") from None


class FreeForm(fields.Dict):
    """Any JSON object, kept as it is."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        return value


class Whole(fields.Integer):
    """A whole number of JSON; not "5", not true."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class Map(fields.Dict):
    """An object whose members all have the form of one field; what is wrong is told by name."""

    def __init__(self, member: fields.Field, **kwargs: Any) -> None:
        super().__init__(keys=fields.String(), values=member, **kwargs)
        self.member = member

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        found, wrong = {}, {}
        for name, item in value.items():
            try:
                found[name] = self.member.deserialize(item)
            except ValidationError as refused:
                wrong[name] = refused.messages
        if wrong:
            raise ValidationError(wrong)
        return found


class QueryNumber(fields.Integer):
    """A whole number in a query: digits only."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16):
            raise self.make_error("invalid", input=value)
        return int(value)


class QueryFlag(fields.Boolean):
    """`true` or `false` in a query."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Must be true or false.")
        return bool(value == "true")


class Several(fields.List):
    """A parameter of a query that may be repeated: its values, each once, in order."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        given = value if isinstance(value, list) else [value]
        return sorted(set(super()._deserialize(given, attr, data, **kwargs)))
