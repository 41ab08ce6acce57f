"""What is removed by the hour (contract 10, Removal)."""

from __future__ import annotations

from app.core import clock
from app.infra.database import transaction
from app.models import IdempotencyKey


def purge_expired() -> int:
    """Removes idempotency keys whose 24 hours are over; returns how many."""
    with transaction():
        return int(IdempotencyKey.delete().where(IdempotencyKey.expires_at < clock.now()).execute())
