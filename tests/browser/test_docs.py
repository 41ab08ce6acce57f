"""The API page in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server

from app.api import build_app
from tests.browser.conftest import needs_chromium

pytestmark = needs_chromium


@pytest.fixture
def studio(settings) -> Iterator[str]:
    """The address of a served API in local mode."""
    server = make_server("127.0.0.1", 0, build_app("local", settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_page_shows_the_operations_with_nothing_refused_or_fetched_elsewhere(studio, page):
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(f"{studio}/docs")
    page.wait_for_selector(".opblock")

    assert "FlowMason Studio" in page.inner_text("h1, h2.title")
    assert page.locator(".opblock").count() >= 5
    assert complaints == []
    assert [url for url in asked if not url.startswith((studio, "data:"))] == []


def test_operation_can_be_tried_from_the_page(studio, page):
    page.goto(f"{studio}/docs")
    page.click(".opblock-summary-path[data-path='/health']")
    page.click("text=Try it out")
    page.click("text=Execute")

    page.wait_for_selector(".live-responses-table")

    assert '"status"' in page.inner_text(".live-responses-table")
