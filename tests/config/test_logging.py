"""A log line is one JSON object with the ids of what is being done, and without secrets."""

from __future__ import annotations

import json
import logging
from contextvars import copy_context

import pytest

from config import logging as house


@pytest.fixture
def line():
    """Formats one record; returns its members."""

    def make(message, *args, error=None, **extra):
        info = (type(error), error, None) if error else None
        record = logging.getLogger("t").makeRecord(
            "t", logging.INFO, "f", 1, message, args, info, extra=extra
        )
        return json.loads(house.JsonLines().format(record))

    return make


def test_line_holds_message_level_and_action(line):
    found = line("run %s claimed", "run-1", action="run_claimed", epoch=3)

    assert found["message"] == "run run-1 claimed"
    assert (found["level"], found["action"], found["epoch"]) == ("info", "run_claimed", 3)
    assert found["at"].endswith("Z")


def test_bound_ids_stand_in_each_line_of_the_block(line):
    with house.bound(run_id="run-1", org_id=None):
        inside = line("x")

    assert inside["run_id"] == "run-1"
    assert "org_id" not in inside
    assert "run_id" not in line("x")


def test_new_binding_forgets_the_ids_of_the_last_request(line):
    def requests():
        house.bind(request_id="req-1", org_id="org-1")
        house.bind(request_id="req-2")
        return line("x")

    found = copy_context().run(requests)

    assert found["request_id"] == "req-2"
    assert "org_id" not in found


@pytest.mark.parametrize(
    "secret",
    ["postgresql://user:hunter2@db/x", "X-API-Key: fm_hunter2hunter2", "redis://:hunter2@h/0"],
)
def test_secret_in_a_message_is_blanked(line, secret):
    assert "hunter2" not in json.dumps(line("cannot use %s", secret))


def test_extra_with_a_secret_name_is_blanked(line):
    assert line("x", refresh_token="hunter2")["refresh_token"] == "***"


def test_exception_stands_in_the_same_line(line):
    assert "ValueError: bad" in line("x", error=ValueError("bad"))["exception"]


def test_value_without_a_json_form_is_written_as_text(line):
    assert line("x", what={1, 2}.__class__)["what"] == "<class 'set'>"
