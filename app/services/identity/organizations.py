"""The organisation of local mode and its administrator."""

from __future__ import annotations

from typing import Any

from app.core.ids import new_id
from app.core.principal import Principal
from app.infra.database import transaction
from app.models.base import Organization
from app.models.identity import Membership, User

LOCAL_SLUG = "default"
LOCAL_EMAIL = "local@localhost"


def ensure_local() -> None:
    """Create organisation `default` and its owner `local@localhost` unless they are there.

    May be called at each start and by several processes at once. The user has no password, so
    nobody can log in as it.
    """
    with transaction():
        _insert_unless_there(Organization, name="Default", slug=LOCAL_SLUG, is_local=True)
        _insert_unless_there(User, name="Local administrator", email=LOCAL_EMAIL)
        org, user = Organization.get(slug=LOCAL_SLUG), User.get(email=LOCAL_EMAIL)
        _insert_unless_there(Membership, org_id=org.id, user_id=user.id, role="owner")


def _insert_unless_there(table: type, **values: object) -> None:
    row = {"id": new_id(table.id_prefix), **values}  # type: ignore[attr-defined]
    table.insert(row).on_conflict_ignore().execute()  # type: ignore[attr-defined]


def local_administrator() -> Principal:
    """The caller that a request without credential is in local mode."""
    row = _administrator()
    if row is None:
        ensure_local()
        row = _administrator()
    return Principal(row.org_id, frozenset({"admin"}), "local", user_id=row.user_id)


def _administrator() -> Any:
    return (
        Membership.select(Membership.org, Membership.user_id)
        .join(Organization)
        .join_from(Membership, User, on=(User.id == Membership.user_id))
        .where(Organization.slug == LOCAL_SLUG, User.email == LOCAL_EMAIL)
        .get_or_none()
    )
