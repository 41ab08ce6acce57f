"""Who a key is, asked anew each time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.models.identity import ApiKey, Membership, User
from app.services.identity.apikeys import revoke_api_key
from app.services.identity.credentials import find_caller


def test_key_stands_for_its_maker_with_its_own_scopes(owner, new_key):
    made = new_key(owner, "runs:read", "pipelines:read")

    caller = find_caller(made["key"])

    assert (caller.org_id, caller.user_id) == (owner.org_id, owner.user_id)
    assert (caller.api_key_id, caller.auth_type) == (made["id"], "api_key")
    assert caller.scopes == {"runs:read", "pipelines:read"}


@pytest.mark.parametrize("token", ["", "fm_", "fm_" + "x" * 43, "x" * 46, "fm_" + "é" * 43, "\0"])
def test_unknown_token_stands_for_nobody(settings, token):
    assert find_caller(token) is None


def test_changed_last_character_stands_for_nobody(owner, new_key):
    key = new_key(owner, "admin")["key"]

    assert find_caller(key[:-1] + ("A" if key[-1] != "A" else "E")) is None


def test_revoked_key_stands_for_nobody_at_once(owner, new_key):
    made = new_key(owner, "admin")
    assert find_caller(made["key"])

    revoke_api_key(owner, made["id"])

    assert find_caller(made["key"]) is None


def test_expired_key_stands_for_nobody(owner, new_key):
    made = new_key(owner, "admin", expires_at=clock.now() + timedelta(hours=1))
    assert find_caller(made["key"])

    ApiKey.update(expires_at=clock.now()).where(ApiKey.id == made["id"]).execute()

    assert find_caller(made["key"]) is None


def test_key_of_a_deactivated_user_stands_for_nobody(owner, new_key):
    key = new_key(owner, "admin")["key"]

    User.update(is_active=False).where(User.id == owner.user_id).execute()

    assert find_caller(key) is None


def test_key_of_a_removed_member_stands_for_nobody(owner, new_key):
    key = new_key(owner, "admin")["key"]

    Membership.delete().where(Membership.user_id == owner.user_id).execute()

    assert find_caller(key) is None


@pytest.mark.parametrize(
    ("role", "scope", "held"),
    [
        ("viewer", "runs:write", frozenset()),
        ("viewer", "runs:read", frozenset({"runs:read"})),
        ("developer", "runs:write", frozenset({"runs:write"})),
        ("admin", "runs:write", frozenset({"runs:write"})),
    ],
)
def test_key_has_no_more_than_the_present_role(new_member, new_key, role, scope, held):
    member = new_member("owner")
    key = new_key(member, scope)["key"]

    Membership.update(role=role).where(Membership.user_id == member.user_id).execute()

    assert find_caller(key).scopes == held


def test_admin_key_of_a_demoted_user_keeps_what_the_role_allows(owner, new_key):
    key = new_key(owner, "admin")["key"]

    Membership.update(role="viewer").where(Membership.user_id == owner.user_id).execute()

    caller = find_caller(key)
    assert caller.may("runs:read")
    assert not caller.may("runs:write")


def test_use_is_noted_once_a_minute(owner, new_key):
    made = new_key(owner, "admin")

    find_caller(made["key"])

    noted = ApiKey.get_by_id(made["id"]).last_used_at
    assert clock.now() - noted < timedelta(minutes=2)
    assert (noted.second, noted.microsecond) == (0, 0)


def test_second_use_in_the_same_minute_writes_nothing(owner, new_key):
    made = new_key(owner, "admin")
    later = clock.now().replace(second=0, microsecond=0) + timedelta(hours=1)
    ApiKey.update(last_used_at=later).where(ApiKey.id == made["id"]).execute()

    find_caller(made["key"])

    assert ApiKey.get_by_id(made["id"]).last_used_at == later
