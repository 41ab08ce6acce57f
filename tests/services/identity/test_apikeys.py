"""Making, seeing and ending keys."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from app.core import clock
from app.core.errors import Forbidden, NotFound, ValidationFailed
from app.core.principal import Principal
from app.models.identity import ApiKey, AuditEntry
from app.services.identity.apikeys import (
    create_api_key,
    get_api_key,
    list_api_keys,
    revoke_api_key,
)
from app.services.identity.credentials import find_caller
from app.services.pages import Page


def create(who, **rest):
    return create_api_key(who, name="test", **rest)


def test_key_is_stored_only_as_its_digest(owner, new_key):
    made = new_key(owner, "runs:read")

    row = ApiKey.get_by_id(made["id"])
    assert row.key_hash == hashlib.sha256(made["key"].encode()).hexdigest()
    assert made["key"] not in str(row.__data__)
    assert made["key"].startswith(made["key_prefix"]) and len(made["key_prefix"]) == 8


def test_key_without_scopes_gets_its_makers(org, new_key):
    maker = Principal(org.id, frozenset({"runs:read", "runs:write"}), "session")

    made = create(maker)

    assert made["scopes"] == ["runs:read", "runs:write"]


def test_scope_beyond_the_makers_is_refused_and_named(org, new_key):
    maker = Principal(org.id, frozenset({"runs:read"}), "session")

    with pytest.raises(Forbidden) as refused:
        new_key(maker, "runs:read", "runs:write")

    assert refused.value.required_scope == "runs:write"
    assert ApiKey.select().count() == 0


@pytest.mark.parametrize("scopes", [[], ["runs:fly"], ["admin", ""]])
def test_no_or_unknown_scopes_are_refused(owner, scopes):
    with pytest.raises(ValidationFailed) as refused:
        create(owner, scopes=scopes)

    assert list(refused.value.errors) == ["/scopes"]


def test_past_expiry_is_refused(owner):
    with pytest.raises(ValidationFailed) as refused:
        create(owner, expires_at=clock.now() - timedelta(seconds=1))

    assert list(refused.value.errors) == ["/expires_at"]


def test_oauth_token_makes_no_key(org):
    with pytest.raises(Forbidden):
        create(Principal(org.id, frozenset({"admin"}), "oauth", client_id="oac-1"))


def test_administrator_sees_every_key_of_the_organisation(owner, new_member, new_key):
    new_key(new_member("developer"), "runs:read")
    new_key(owner, "runs:read")

    assert len(list_api_keys(owner, Page())["items"]) == 2


def test_lesser_key_sees_itself_and_what_it_made(owner, new_key):
    new_key(owner, "admin")
    caller = find_caller((own := new_key(owner, "runs:read"))["key"])
    made = new_key(caller, "runs:read")

    seen = list_api_keys(caller, Page())["items"]

    assert [key["id"] for key in seen] == [made["id"], own["id"]]


def test_lesser_person_sees_their_own_keys(owner, new_member, new_key):
    developer = new_member("developer")
    own = new_key(developer, "runs:read")
    new_key(owner, "admin")
    lesser = Principal(owner.org_id, frozenset(), "session", user_id=developer.user_id)

    assert [key["id"] for key in list_api_keys(lesser, Page())["items"]] == [own["id"]]


def test_pages_together_hold_each_key_once(owner, new_key):
    made = [new_key(owner, "runs:read")["id"] for _ in range(5)]

    first = list_api_keys(owner, Page(limit=2, count=True))
    second = list_api_keys(owner, Page(limit=2, cursor=first["next"]))
    third = list_api_keys(owner, Page(limit=2, cursor=second["next"]))

    pages = [key["id"] for page in (first, second, third) for key in page["items"]]
    assert pages == made[::-1]
    assert (first["total"], third["next"]) == (5, None)


def test_other_organisations_keys_are_absent(owner, stranger, new_key):
    made = new_key(owner, "admin")

    with pytest.raises(NotFound):
        get_api_key(stranger, made["id"])
    with pytest.raises(NotFound):
        revoke_api_key(stranger, made["id"])
    assert list_api_keys(stranger, Page())["items"] == []


def test_second_revocation_finds_nothing(owner, new_key):
    made = new_key(owner, "admin")
    revoke_api_key(owner, made["id"])

    with pytest.raises(NotFound):
        revoke_api_key(owner, made["id"])


def test_revoked_key_is_listed_only_when_asked_for(owner, new_key):
    made = new_key(owner, "admin")
    revoke_api_key(owner, made["id"])

    assert list_api_keys(owner, Page())["items"] == []
    (shown,) = list_api_keys(owner, Page(), include_revoked=True)["items"]
    assert (shown["is_active"], shown["revoked_at"] is None) == (False, False)


def test_making_and_ending_a_key_are_written_down_without_the_key(owner, new_key):
    made = new_key(owner, "runs:read")
    revoke_api_key(owner, made["id"])

    entries = list(AuditEntry.of(owner.org_id).order_by(AuditEntry.id))
    assert [entry.action for entry in entries] == ["api_key.created", "api_key.deleted"]
    assert {(entry.resource_id, entry.user_id, entry.success) for entry in entries} == {
        (made["id"], owner.user_id, True)
    }
    assert made["key"] not in str([entry.details for entry in entries])
