"""The organisation of local mode."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.infra import database
from app.models.base import Organization
from app.models.identity import Membership, User
from app.services.identity.organizations import ensure_local, local_administrator


def test_local_administrator_holds_admin_in_organisation_default(settings):
    who = local_administrator()

    assert Organization.get_by_id(who.org_id).slug == "default"
    assert User.get_by_id(who.user_id).email == "local@localhost"
    assert (who.auth_type, who.may("runs:write")) == ("local", True)


def test_local_administrator_cannot_log_in(settings):
    ensure_local()

    assert User.get(email="local@localhost").password_hash is None


def test_starts_at_once_make_one_organisation(settings):
    def start(_):
        ensure_local()
        database.release()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))

    assert [table.select().count() for table in (Organization, User, Membership)] == [1, 1, 1]
