"""Each request leaves one line, with its ids and without what it brought."""

from __future__ import annotations

import json
import logging

import pytest

from config.logging import JsonLines


@pytest.fixture
def lines(caplog):
    """The access lines so far, as they are written."""
    written = []

    class Taker(logging.Handler):
        def emit(self, record):
            written.append(self.format(record))

    taker, logger = Taker(), logging.getLogger("app.api.hooks")
    taker.setFormatter(JsonLines())
    logger.addHandler(taker)
    with caplog.at_level(logging.INFO):
        yield lambda: [json.loads(line) for line in written]
    logger.removeHandler(taker)


def test_request_leaves_one_line(client, org, lines):
    client.get("/api/v1/runs/run-x?a=fm_secretsecret", headers={"X-Request-ID": "mine"})

    (line,) = lines()
    assert line.pop("at") and line.pop("duration_ms") >= 0
    assert line == {
        "level": "info",
        "logger": "app.api.hooks",
        "message": "request answered",
        "request_id": "mine",
        "action": "request",
        "method": "GET",
        "route": "/api/v1/runs/<string:run_id>",
        "status": 422,
        "org_id": org.id,
        "peer": "127.0.0.1",
    }


def test_unknown_path_has_no_route_and_anonymous_no_organisation(anonymous, lines):
    anonymous.get("/secret/fm_secretsecret")

    (line,) = lines()
    assert (line["status"], line["route"], line["org_id"]) == (404, None, None)
    assert "secret" not in json.dumps(line)
