"""Telling a taken name by the database's own word, so that two at once cannot both have it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import peewee

from app.core.errors import StudioError


@contextlib.contextmanager
def unique_or(refusal: StudioError) -> Iterator[None]:
    """Raises `refusal` when what happens inside breaks a unique key. Stands around the
    transaction: PostgreSQL takes no further statement in one that failed."""
    try:
        yield
    except peewee.IntegrityError:
        raise refusal from None
