"""What the audit log keeps, and what it must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.infra.database import transaction
from app.models.identity import AuditEntry
from app.services.identity import audit


def test_entry_tells_who_from_where(owner):
    who = replace(owner, request_id="req-1", ip_address="192.0.2.1", user_agent="curl/8\0")

    audit.record(who, "pipeline.created", "pl-1", name="greet")

    entry = AuditEntry.get()
    assert (entry.action, entry.resource_type, entry.resource_id) == (
        "pipeline.created",
        "pipeline",
        "pl-1",
    )
    assert (entry.user_id, entry.auth_type) == (owner.user_id, "session")
    assert (entry.request_id, entry.ip_address, entry.user_agent) == (
        "req-1",
        "192.0.2.1",
        "curl/8",
    )


def test_secrets_are_blanked(owner):
    audit.record(owner, "connection.created", None, host="db", password="hunter2")

    assert AuditEntry.get().details == {"host": "db", "password": "***"}


def test_entry_falls_with_the_change_it_tells_of(owner):
    with pytest.raises(ZeroDivisionError), transaction():
        audit.record(owner, "pipeline.created", "pl-1")
        raise ZeroDivisionError

    assert AuditEntry.select().count() == 0


def test_refusal_is_kept_as_a_failure(owner):
    audit.refused(owner, "run.created", "forbidden", required_scope="runs:write")

    entry = AuditEntry.get()
    assert (entry.success, entry.error_code) == (False, "forbidden")
