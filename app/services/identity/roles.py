"""What a role may do, and what is left of a credential's scopes under a role (contract 08)."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.principal import SCOPES

_VIEWER = frozenset({"pipelines:read", "runs:read", "registry:read", "marketplace:read"})

SCOPES_OF_ROLE = {
    "owner": frozenset({"admin"}),
    "admin": frozenset({"admin"}),
    "developer": frozenset(SCOPES) - {"admin"},
    "viewer": _VIEWER,
}


def effective_scopes(scopes: Iterable[str], role: str | None) -> frozenset[str]:
    """The scopes of a credential, limited to those of its user's present role."""
    own, role_scopes = frozenset(scopes), SCOPES_OF_ROLE.get(role or "", frozenset())
    if "admin" in role_scopes:
        return own
    return role_scopes if "admin" in own else own & role_scopes
