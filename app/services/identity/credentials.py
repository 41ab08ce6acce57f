"""Who a credential is. Asked of the database each time, so that a revocation acts at once."""

from __future__ import annotations

from typing import Any

import peewee

from app.auth import tokens
from app.core import clock
from app.core.principal import Principal
from app.models.identity import ApiKey, Membership, User
from app.services.identity.roles import effective_scopes


def find_caller(token: str) -> Principal | None:
    """The caller that an API key stands for; None when it is unknown, revoked, expired, or its
    user is no longer active and a member."""
    if not tokens.is_api_key(token):
        return None
    digest = tokens.digest(token)
    row = _key_with_its_user(digest)
    if row is None or not tokens.same(row["key_hash"], digest) or not _is_live(row):
        return None
    _note_use(row)
    scopes = row["scopes"]
    if row["user_id"] is not None:
        scopes = effective_scopes(scopes, row["role"])
    return Principal(
        row["org"],
        frozenset(scopes),
        "api_key",
        user_id=row["user_id"],
        api_key_id=row["id"],
    )


def _key_with_its_user(digest: str) -> dict[str, Any] | None:
    query = (
        ApiKey.select(ApiKey, User.is_active, Membership.role)
        .join(User, peewee.JOIN.LEFT_OUTER, on=(User.id == ApiKey.user_id))
        .join(
            Membership,
            peewee.JOIN.LEFT_OUTER,
            on=(Membership.user_id == User.id) & (Membership.org == ApiKey.org),
        )
        .where(ApiKey.key_hash == digest)
    )
    row: dict[str, Any] | None = query.dicts().first()
    return row


def _is_live(row: dict[str, Any]) -> bool:
    if row["revoked_at"] is not None:
        return False
    if row["expires_at"] is not None and row["expires_at"] <= clock.now():
        return False
    return row["user_id"] is None or bool(row["is_active"] and row["role"])


def _note_use(row: dict[str, Any]) -> None:
    minute = clock.now().replace(second=0, microsecond=0)
    used_at = row["last_used_at"]
    if used_at is not None and used_at >= minute:
        return
    # Of many requests in a new minute one writes.
    ApiKey.update(last_used_at=minute).where(
        ApiKey.id == row["id"],
        ApiKey.last_used_at.is_null() | (ApiKey.last_used_at < minute),
    ).execute()
