"""A run is watched in a browser, by the JavaScript client that the product overview prints."""

from __future__ import annotations

import pytest

from app.infra import broker, database
from app.services.identity.organizations import local_administrator
from app.services.pipelines.documents import create_pipeline
from app.services.runs import drive
from app.services.runs.start import start_run
from tests.api.runs.web import web_process
from tests.browser.conftest import needs_chromium
from tests.conftest import wait_until
from tests.services.runs.conftest import transform

pytestmark = needs_chromium

# As printed; only the address and the run are those of the test.
CLIENT = """
const ws = new WebSocket("ws://localhost:8999/api/v1/ws/runs");

ws.onopen = () => {
  ws.send(JSON.stringify({
    type: "subscribe",
    run_id: "run-abc123"
  }));
};

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  console.log(`Event: ${data.type}`, data);

  if (data.type === "stage_completed") {
    console.log(`Stage ${data.stage_id} completed`);
  }
};
"""


@pytest.fixture
def run_id(settings) -> str:
    """A pending run of the local organisation."""
    broker.connect(settings.broker_url)
    who = local_administrator()
    create_pipeline(who, {"name": "p", "stages": [transform("a"), transform("b")]})
    return start_run(who, "p", {}).run["id"]


def test_client_as_printed_sees_the_run_live(settings, run_id, page):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    with web_process(settings, mode="local") as web:
        page.goto(f"http://localhost:{web.port}/docs")
        client = CLIENT.replace("8999", str(web.port)).replace("run-abc123", run_id)
        page.evaluate(f"() => {{ {client} }}")
        wait_until(lambda: page.wait_for_timeout(20) or any("subscribed" in line for line in said))
        drive.advance_run()
        database.release()
        wait_until(lambda: page.wait_for_timeout(20) or any("run_completed" in s for s in said))

    heard = [line.split()[1] for line in said if line.startswith("Event:")]
    assert heard == [
        "connected",
        "subscribed",
        "run_started",
        *["stage_started", "stage_completed"] * 2,
        "run_completed",
    ]
    assert [line for line in said if line.startswith("Stage")] == [
        "Stage a completed",
        "Stage b completed",
    ]
