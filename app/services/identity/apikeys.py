"""API keys: making, listing, revoking (contract 08). A key's text leaves this module once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.auth import tokens
from app.core import clock
from app.core.errors import Forbidden, NotFound, ValidationFailed
from app.core.principal import SCOPES, Principal
from app.core.wire import JSON
from app.infra.database import transaction
from app.models.identity import ApiKey
from app.services.identity import audit, views
from app.services.pages import Page, newest_first


def create_api_key(
    who: Principal,
    *,
    name: str,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> dict[str, JSON]:
    """Make a key that acts for the caller; the answer alone holds its text, as `key`.

    `scopes` default to the caller's. Raises ValidationFailed for unknown or no scopes and for a
    past `expires_at`, Forbidden for a scope that the caller lacks or a caller that may make none.
    """
    if who.auth_type == "oauth":
        raise Forbidden("An OAuth token cannot make API keys.")
    granted = _ordered(who.scopes if scopes is None else scopes)
    _check(who, granted, expires_at)
    token = tokens.new_api_key()
    with transaction():
        row = ApiKey.create(
            org_id=who.org_id,
            user_id=who.user_id,
            name=name,
            key_hash=token.digest,
            key_prefix=token.prefix,
            scopes=granted,
            expires_at=expires_at,
            created_by_key_id=who.api_key_id,
        )
        audit.record(who, "api_key.created", row.id, name=name, scopes=granted)
    return {**views.api_key(row), "key": token.text}


def _ordered(scopes: Sequence[str] | frozenset[str]) -> list[str]:
    return sorted(set(scopes), key=lambda scope: (scope not in SCOPES, scope))


def _check(who: Principal, scopes: Sequence[str], expires_at: datetime | None) -> None:
    errors: dict[str, list[str]] = {}
    if not scopes:
        errors["/scopes"] = ["A key needs at least one scope."]
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        errors["/scopes"] = [f"{scope!r} is not a scope." for scope in unknown]
    if expires_at is not None and expires_at <= clock.now():
        errors["/expires_at"] = ["This time is past."]
    if errors:
        raise ValidationFailed(errors)
    for scope in scopes:
        if not who.may(scope):
            raise Forbidden(f"You cannot give the scope {scope}.", required_scope=scope)


def list_api_keys(who: Principal, page: Page, *, include_revoked: bool = False) -> dict[str, JSON]:
    """One page of the keys that the caller may see, newest first. Raises BadCursor."""
    keys = _visible(who)
    if not include_revoked:
        keys = keys.where(ApiKey.revoked_at.is_null())
    return newest_first(keys, [ApiKey.id], page, views.api_key)


def get_api_key(who: Principal, key_id: str) -> dict[str, JSON]:
    """One key, without its text. Raises NotFound."""
    return views.api_key(_get(who, key_id))


def revoke_api_key(who: Principal, key_id: str) -> None:
    """End a key at once. Raises NotFound, also when it is revoked already."""
    row = _get(who, key_id)
    with transaction():
        ended = (
            ApiKey.update(revoked_at=clock.now())
            .where(ApiKey.id == row.id, ApiKey.revoked_at.is_null())
            .execute()
        )
        if not ended:
            raise NotFound
        audit.record(who, "api_key.deleted", row.id, name=row.name)


def _get(who: Principal, key_id: str) -> Any:
    row = _visible(who).where(ApiKey.id == key_id).get_or_none()
    if row is None:
        raise NotFound
    return row


def _visible(who: Principal) -> Any:
    """An administrator sees the organisation's keys; a key sees itself and those it made; a
    person sees their own."""
    keys = ApiKey.of(who.org_id)
    if who.may("admin"):
        return keys
    if who.api_key_id is not None:
        return keys.where(
            (ApiKey.id == who.api_key_id) | (ApiKey.created_by_key_id == who.api_key_id)
        )
    return keys.where(ApiKey.user_id == who.user_id)
