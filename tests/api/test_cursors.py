"""A cursor is good for the list and the filters that it was issued for, and no others."""

from __future__ import annotations

import pytest

from tests.api.conftest import problem

COMPONENTS = "/api/v1/registry/components"
KEYS = "/api/v1/auth/api-keys"


@pytest.fixture
def cursor(client):
    """The cursor of the page of one of this list."""

    def cursor(path: str, **filters: str) -> str:
        return client.get(path, query_string={"limit": 1, **filters}).json["next"]

    return cursor


def test_cursor_holds_for_the_same_filters_whatever_the_page_size(client, cursor):
    after = cursor(COMPONENTS, kind="operator")

    page = client.get(
        COMPONENTS, query_string={"kind": "operator", "limit": 99, "count": "true", "cursor": after}
    )

    assert page.status_code == 200
    assert page.json["total"] == len(page.json["items"]) + 1


@pytest.mark.parametrize("filters", [{}, {"kind": "control_flow"}, {"kind": "operator", "q": "j"}])
def test_cursor_of_other_filters_is_refused(client, cursor, filters):
    after = cursor(COMPONENTS, kind="operator")

    page = client.get(COMPONENTS, query_string={"cursor": after, **filters})

    problem(page, 400, "bad-cursor")


def test_cursor_of_another_list_is_refused(client, cursor):
    after = cursor(COMPONENTS)

    problem(client.get(KEYS, query_string={"cursor": after}), 400, "bad-cursor")


def test_filter_at_its_default_is_as_good_as_none(client, cursor):
    after = cursor(COMPONENTS)

    assert client.get(COMPONENTS, query_string={"q": "", "cursor": after}).status_code == 200
