"""People and keys of the test's organisation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.core.principal import Principal
from app.models.identity import Membership, User
from app.services.identity.apikeys import create_api_key


@pytest.fixture
def new_member(org) -> Callable[[str], Principal]:
    """Makes a person with a role in the organisation, acting with the scope admin."""

    def make(role: str) -> Principal:
        user = User.create(email=f"{role}@acme.test", name=role.title())
        Membership.create(org=org, user_id=user.id, role=role)
        return Principal(org.id, frozenset({"admin"}), "session", user_id=user.id)

    return make


@pytest.fixture
def owner(new_member) -> Principal:
    """The organisation's owner."""
    return new_member("owner")


@pytest.fixture
def new_key() -> Callable[..., dict]:
    """Makes an API key: `new_key(owner, "runs:read")` gives the answer with its text."""

    def make(who: Principal, *scopes: str, **rest: object) -> dict:
        return create_api_key(who, name="test", scopes=list(scopes), **rest)

    return make
