"""What the list of pipelines can be asked for."""

from __future__ import annotations

import pytest

from app.services.pages import Page
from app.services.pipelines.documents import create_pipeline
from app.services.pipelines.listing import list_pipelines
from app.services.pipelines.publishing import publish_pipeline
from app.services.pipelines.updating import update_pipeline

PIPELINES = [
    {"name": "Straße", "description": "100% of _all_ c:\\x", "tags": ["a", 'say "b"', ","]},
    {"name": "ÉCLAIR", "description": "Σίσυφος", "category": "c", "tags": ["a", "b,"]},
    {"name": "plain", "category": "C", "is_template": True, "tags": ["A", "[b]", "é"]},
]


@pytest.fixture
def names(who):
    """The names that a list with these filters shows."""
    for document in PIPELINES:
        create_pipeline(who, document)

    def names(**filters) -> list[str]:
        found = list_pipelines(who, Page(count=True), **filters)
        assert found["total"] == len(found["items"])
        return [item["name"] for item in found["items"]]

    return names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("éclair", "ÉCLAIR"),
        ("CLAI", "ÉCLAIR"),
        ("ΣΊΣΥΦΟΣ", "ÉCLAIR"),
        ("STRASSE", "Straße"),
        ("straße", "Straße"),
        ("%", "Straße"),
        ("_", "Straße"),
        ("\\", "Straße"),
        ("100% OF _A", "Straße"),
        ("PLAIN", "plain"),
        ("%a%", None),
        ("pl_in", None),
        ("'; --", None),
        ("e\u0301clair", None),
    ],
)
def test_text_is_found_in_any_case_and_literally(names, text, expected):
    assert names(q=text) == [expected] * (expected is not None)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["a"], ["ÉCLAIR", "Straße"]),
        (["a", "b,"], ["ÉCLAIR"]),
        (["a", "b"], []),
        (["A"], ["plain"]),
        (['say "b"', ","], ["Straße"]),
        (["b"], []),
        (["[b]", "é"], ["plain"]),
        (['"'], []),
    ],
)
def test_pipeline_has_every_tag_that_is_asked_for(names, tags, expected):
    assert names(tag=tags) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["plain", "ÉCLAIR", "Straße"]),
        ({"category": "c"}, ["ÉCLAIR"]),
        ({"category": ""}, []),
        ({"is_template": True}, ["plain"]),
        ({"is_template": False}, ["ÉCLAIR", "Straße"]),
        ({"tag": ["a"], "q": "É", "category": "c", "is_template": False}, ["ÉCLAIR"]),
    ],
)
def test_filters_hold_together(names, filters, expected):
    assert names(**filters) == expected


def test_status_is_published_while_any_version_is(who, names):
    publish_pipeline(who, "plain")
    update_pipeline(who, "plain", {"description": "newer"})

    assert names(status="published") == ["plain"]
    assert names(status="draft") == ["ÉCLAIR", "Straße"]


def test_other_organisations_pipelines_are_not_found(stranger, names):
    assert list_pipelines(stranger, Page(), q="plain")["items"] == []
