"""Organisations, users and keys as callers see them (contract 08)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core import clock
from app.core.wire import JSON


def organization(row: Any) -> dict[str, JSON]:
    """An Organization."""
    return {
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "created_at": clock.text(row.created_at),
    }


def user(row: Any, role: str | None) -> dict[str, JSON]:
    """A User with its role in the caller's organisation."""
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "role": role,
        "is_active": row.is_active,
        "has_password": row.password_hash is not None,
        "saml": False,
        "created_at": clock.text(row.created_at),
        "last_login_at": time_or_none(row.last_login_at),
    }


def api_key(row: Any) -> dict[str, JSON]:
    """An APIKey; never the key itself."""
    return {
        "id": row.id,
        "name": row.name,
        "key_prefix": row.key_prefix,
        "scopes": row.scopes,
        "user_id": row.user_id,
        "is_active": is_active(row),
        "expires_at": time_or_none(row.expires_at),
        "last_used_at": time_or_none(row.last_used_at),
        "created_at": clock.text(row.created_at),
        "revoked_at": time_or_none(row.revoked_at),
    }


def is_active(row: Any) -> bool:
    """Whether a key is neither revoked nor expired."""
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > clock.now())


def time_or_none(moment: datetime | None) -> str | None:
    """The text of a time that may be unset."""
    return None if moment is None else clock.text(moment)
