"""Who asks: the caller of a use case, already authenticated."""

from __future__ import annotations

from dataclasses import dataclass

SCOPES = (
    "pipelines:read",
    "pipelines:write",
    "runs:read",
    "runs:write",
    "registry:read",
    "marketplace:read",
    "marketplace:write",
    "admin",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller within one organisation.

    `auth_type` is api_key, session, oauth or local. `request_id`, `ip_address` and `user_agent`
    tell the audit log where the call came from.
    """

    org_id: str
    scopes: frozenset[str]
    auth_type: str
    user_id: str | None = None
    api_key_id: str | None = None
    client_id: str | None = None
    request_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None

    def may(self, scope: str) -> bool:
        """Whether the caller holds `scope`; `admin` holds every one."""
        return scope in self.scopes or "admin" in self.scopes
