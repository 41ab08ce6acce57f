"""The audit log: append-only, written in the transaction of the change (contract 08)."""

from __future__ import annotations

from app.core import wire
from app.core.principal import Principal
from app.core.wire import JSON
from app.infra.database import transaction
from app.models.identity import AuditEntry

_LONGEST_TEXT = 500


def record(who: Principal, action: str, resource_id: str | None, **details: JSON) -> None:
    """Write down a deed `TYPE.VERB`. Stands in the transaction of the deed."""
    _write(who, action, resource_id, details)


def refused(who: Principal, action: str, error_code: str, **details: JSON) -> None:
    """Write down that `who` was refused the deed; in a transaction of its own."""
    with transaction():
        _write(who, action, None, details, success=False, error_code=error_code)


def _write(
    who: Principal,
    action: str,
    resource_id: str | None,
    details: dict[str, JSON],
    *,
    success: bool = True,
    error_code: str | None = None,
) -> None:
    AuditEntry.create(
        org_id=who.org_id,
        action=action,
        resource_type=action.split(".")[0],
        resource_id=resource_id,
        user_id=who.user_id,
        api_key_id=who.api_key_id,
        client_id=who.client_id,
        auth_type=who.auth_type,
        ip_address=who.ip_address,
        user_agent=who.user_agent and who.user_agent[:_LONGEST_TEXT].replace("\0", ""),
        success=success,
        error_code=error_code,
        details=wire.redact(details),
        request_id=who.request_id,
    )
