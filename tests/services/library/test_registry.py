"""The registry: every component once, filtered, paged, described as it declares itself."""

from __future__ import annotations

import pytest

from app.components import built_in
from app.core.errors import BadCursor, NotFound
from app.services.library.registry import get_component, list_components
from app.services.pages import Page

TYPES = sorted(component.type for component in built_in())


@pytest.fixture
def listed(who):
    """The types that a list with these filters has."""

    def types(**filters) -> list[str]:
        answer = list_components(who, Page(limit=200), **filters)
        return [item["component_type"] for item in answer["items"]]

    return types


def test_list_has_every_component_by_type(listed):
    assert listed() == TYPES


def test_pages_together_hold_each_component_once(who):
    found, page = [], Page(limit=2, count=True)
    while True:
        answer = list_components(who, page)
        found += [item["component_type"] for item in answer["items"]]
        assert (len(answer["items"]) <= 2, answer["total"]) == (True, len(TYPES))
        if answer["next"] is None:
            break
        page = Page(limit=2, cursor=answer["next"], count=True)

    assert found == TYPES


@pytest.mark.parametrize("cursor", ["", "x", "!", "W10", "WzFd", "W251bGxd", "WyJhIiwiYiJd"])
def test_cursor_of_no_list_is_refused(who, cursor):
    with pytest.raises(BadCursor):
        list_components(who, Page(cursor=cursor))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"category": "iteration"}, "foreach"),
        ({"kind": "control_flow"}, "foreach"),
        ({"q": "HTTP"}, "http_request"),
        ({"q": "jmespath"}, "json_transform"),
        ({"q": "set variable"}, "variable_set"),
        ({"kind": "operator", "category": "integration", "q": "rest"}, "http_request"),
    ],
)
def test_filter_keeps_what_it_asks_for(listed, filters, expected):
    found = listed(**filters)

    assert expected in found
    assert found != TYPES


def test_filters_that_nothing_fits_give_nothing(listed):
    assert listed(package="acme") == listed(category="nope") == listed(q="zzz") == []


def test_built_in_components_are_of_the_package_core(listed):
    assert listed(package="core") == TYPES


def test_categories_are_those_of_all_components_whatever_the_filters(who):
    everything = list_components(who, Page())["categories"]
    filtered = list_components(who, Page(limit=1), category="data")["categories"]

    assert everything == filtered == sorted(set(everything))
    assert {"data", "integration", "iteration", "observability", "state"} <= set(everything)


def test_component_is_shown_as_it_declares_itself(who):
    shown = get_component(who, "http_request")

    assert (shown["component_kind"], shown["class"], shown["package_name"]) == (
        "operator",
        "effectful",
        "core",
    )
    assert shown["input_schema"]["required"] == ["url"]
    assert shown["input_schema"]["properties"]["timeout"]["maximum"] == 300
    assert list(shown["output_schema"]["properties"]) == [
        "status_code",
        "headers",
        "body",
        "elapsed_ms",
        "success",
        "url",
    ]
    assert (shown["requires_llm"], shown["supports_streaming"], shown["author"]) == (
        False,
        False,
        None,
    )


@pytest.mark.parametrize(
    ("component_type", "seconds"), [("logger", 30), ("http_request", 35), ("foreach", None)]
)
def test_timeout_is_that_of_a_config_of_defaults(who, component_type, seconds):
    assert get_component(who, component_type)["timeout_seconds"] == seconds


def test_detail_adds_author_and_examples_to_the_entry_of_the_list(who):
    (entry, *_) = list_components(who, Page())["items"]

    detail = get_component(who, entry["component_type"])

    assert detail.keys() - entry.keys() == {"author", "examples"}
    assert {name: detail[name] for name in entry} == entry
    assert detail["examples"][0].keys() == {"config", "output"}


@pytest.mark.parametrize("component_type", ["nope", "", "HTTP_REQUEST", "http_request@1.0.0"])
def test_unknown_component_is_not_found(who, component_type):
    with pytest.raises(NotFound):
        get_component(who, component_type)
