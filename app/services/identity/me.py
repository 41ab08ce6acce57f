"""What a caller is told about itself."""

from __future__ import annotations

from typing import Any

from app.core.principal import SCOPES, Principal
from app.core.wire import JSON
from app.models.base import Organization
from app.models.identity import ApiKey, Membership, User
from app.services.identity import views


def get_me(who: Principal) -> dict[str, JSON]:
    """The caller: how it authenticated, as whom, in which organisation, with which scopes."""
    key = _find(ApiKey.of(who.org_id), ApiKey.id, who.api_key_id)
    return {
        "auth_type": who.auth_type,
        "user": _user(who),
        "organization": views.organization(Organization.get_by_id(who.org_id)),
        "scopes": [scope for scope in SCOPES if scope in who.scopes],
        "api_key": key and views.api_key(key),
        "client_id": who.client_id,
        "expires_at": key and views.time_or_none(key.expires_at),
    }


def _user(who: Principal) -> dict[str, JSON] | None:
    row = _find(User.select(), User.id, who.user_id)
    if row is None:
        return None
    membership = _find(Membership.of(who.org_id), Membership.user_id, who.user_id)
    return views.user(row, membership and membership.role)


def _find(rows: Any, column: Any, value: str | None) -> Any:
    return None if value is None else rows.where(column == value).get_or_none()
