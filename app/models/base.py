"""What all tables share: ids, times, JSON as text, and the query of one organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import peewee

from app.core import clock, wire
from app.core.ids import new_id
from app.infra.database import database


class UTCDateTime(peewee.Field):
    """An aware time in UTC with milliseconds: timestamptz, or RFC 3339 text on SQLite."""

    field_type = "TIMESTAMPTZ"

    def db_value(self, value: datetime | None) -> str | None:
        """Raises ValueError for a time without an offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return clock.text(value)

    def python_value(self, value: str | datetime | None) -> datetime | None:
        if isinstance(value, str):
            return clock.parse(value)
        return value


class JsonText(peewee.TextField):
    """A JSON value kept as text, members in the order given; never jsonb, which reorders them."""

    def db_value(self, value: wire.JSON) -> str | None:
        return None if value is None else wire.dumps(value)

    def python_value(self, value: str | None) -> wire.JSON:
        return None if value is None else wire.read(value)


def raw(column: peewee.Field) -> Any:
    """A JsonText column as the text it is stored as, under its own name, to be passed on unread."""
    return unread(peewee.NodeList((column,))).alias(column.name)


def unread(expression: peewee.ColumnBase) -> peewee.ColumnBase:
    """The expression without the conversion that peewee finds by the name it is selected under."""
    expression._coerce = False
    return expression


class Record(peewee.Model):
    """A table of the house."""

    class Meta:
        database = database
        legacy_table_names = False


class IdRecord(Record):
    """A row with a prefixed id that sorts by creation."""

    id_prefix: ClassVar[str]

    id = peewee.TextField(primary_key=True)
    created_at = UTCDateTime(default=clock.now)

    @classmethod
    def create(cls, **values: Any) -> Any:
        """Inserts a row; makes its id when none is given."""
        return super().create(**{"id": new_id(cls.id_prefix), **values})


class Organization(IdRecord):
    """A tenant. `is_local` marks the one that local mode acts in."""

    id_prefix = "org"

    name = peewee.TextField()
    slug = peewee.TextField(unique=True)
    is_local = peewee.BooleanField(default=False)

    class Meta:
        table_name = "organizations"


class TenantRecord(IdRecord):
    """A row that belongs to one organisation, by its column `org_id`."""

    @classmethod
    def of(cls, org_id: str, *columns: Any) -> Any:
        """The rows of one organisation: where every read on behalf of a caller begins."""
        return cls.select(*columns).where(cls.org_id == org_id)


class OrgRecord(TenantRecord):
    """A row that belongs to one organisation and keeps it from being deleted."""

    org = peewee.ForeignKeyField(Organization, column_name="org_id", object_id_name="org_id")
