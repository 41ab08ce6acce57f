"""Users, API keys and the audit log (contract 10)."""

from __future__ import annotations

import peewee

from app.models.base import IdRecord, JsonText, OrgRecord, UTCDateTime


class User(IdRecord):
    """A person, known by a lower-case e-mail that is unique on the server."""

    id_prefix = "usr"

    email = peewee.TextField(unique=True)
    name = peewee.TextField()
    password_hash = peewee.TextField(null=True)
    is_active = peewee.BooleanField(default=True)
    last_login_at = UTCDateTime(null=True)
    updated_at = UTCDateTime(null=True)

    class Meta:
        table_name = "users"


class Membership(OrgRecord):
    """A user's role in one organisation: owner, admin, developer or viewer."""

    id_prefix = "mem"

    user_id = peewee.TextField()
    role = peewee.TextField()
    updated_at = UTCDateTime(null=True)

    class Meta:
        table_name = "memberships"
        indexes = ((("org", "user_id"), True),)


class ApiKey(OrgRecord):
    """A credential. Only its SHA-256 is kept; `key_prefix` is its first 8 characters."""

    id_prefix = "key"

    user_id = peewee.TextField(null=True)
    name = peewee.TextField()
    key_hash = peewee.TextField(unique=True)
    key_prefix = peewee.TextField()
    scopes = JsonText()
    expires_at = UTCDateTime(null=True)
    last_used_at = UTCDateTime(null=True)
    revoked_at = UTCDateTime(null=True)
    created_by_key_id = peewee.TextField(null=True)

    class Meta:
        table_name = "api_keys"
        indexes = ((("org", "id"), False),)


class AuditEntry(OrgRecord):
    """One line of the append-only security log; `action` is TYPE.VERB."""

    id_prefix = "aud"

    action = peewee.TextField()
    resource_type = peewee.TextField()
    resource_id = peewee.TextField(null=True)
    user_id = peewee.TextField(null=True)
    api_key_id = peewee.TextField(null=True)
    client_id = peewee.TextField(null=True)
    auth_type = peewee.TextField()
    ip_address = peewee.TextField(null=True)
    user_agent = peewee.TextField(null=True)
    success = peewee.BooleanField(default=True)
    error_code = peewee.TextField(null=True)
    details = JsonText(default=dict)
    request_id = peewee.TextField(null=True)

    class Meta:
        table_name = "audit_log"
        indexes = (
            (("org", "id"), False),
            (("org", "resource_type", "resource_id"), False),
        )
