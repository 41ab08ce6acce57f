"""`GET /docs`: a page whose every part comes from this server."""

from __future__ import annotations

import re

import pytest

from app.api.docs import ASSETS
from tests.api.conftest import problem


def test_page_needs_no_credential(anonymous):
    answer = anonymous.get("/docs")

    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"


def test_every_part_of_the_page_is_served_under_docs(anonymous):
    page = anonymous.get("/docs").get_data(as_text=True)

    parts = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert "/docs/swagger-ui-bundle.js" in parts
    for part in parts:
        assert part.startswith("/docs/") or part == "/api/v1/openapi.json"
        assert anonymous.get(part).status_code == 200


def test_page_reads_the_document_of_this_server(anonymous):
    start = anonymous.get("/docs/start.js").get_data(as_text=True)

    assert 'url: "/api/v1/openapi.json"' in start


@pytest.mark.parametrize("asset", ASSETS)
def test_asset_is_served_with_its_type_and_not_sniffed(anonymous, asset):
    answer = anonymous.get(f"/docs/{asset}")

    assert answer.status_code == 200
    assert answer.content_type == ASSETS[asset]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(answer.data) > 50


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js"])
def test_policy_permits_no_inline_script_and_no_other_server(anonymous, path):
    policy = anonymous.get(path).headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_page_holds_no_inline_script_or_style(anonymous):
    page = anonymous.get("/docs").get_data(as_text=True)

    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page) == []


def test_known_asset_is_not_sent_again(anonymous):
    tag = anonymous.get("/docs/swagger-ui.css").headers["ETag"]

    again = anonymous.get("/docs/swagger-ui.css", headers={"If-None-Match": tag})

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/docs/",
        "/docs/index.html",
        "/docs/swagger-ui.js",
        "/docs/../docs.py",
        "/docs/%2e%2e/docs.py",
    ],
)
def test_unknown_asset_is_not_found(anonymous, path):
    problem(anonymous.get(path), 404, "not-found")


def test_page_takes_no_other_method(anonymous):
    problem(anonymous.post("/docs"), 405, "method-not-allowed")
