"""logger: the server's line, the trace, and what is given on."""

from __future__ import annotations

import logging

import pytest

from app.engine.coercion import build_inputs
from app.engine.context import StageContext
from app.engine.operators.logger import Logger


def run(config, attempt=1):
    context = StageContext(run_id="r", stage_id="s", attempt=attempt)
    return Logger().run(context, build_inputs(Logger.fields, config)), context


@pytest.mark.parametrize(
    ("level", "number"), [("debug", 10), ("info", 20), ("warning", 30), ("error", 40)]
)
def test_one_line_of_the_level_is_written(caplog, level, number):
    caplog.set_level(logging.DEBUG, logger="flowmason.pipeline")

    output, _ = run({"message": "100 % done", "level": level})

    [line] = caplog.records
    assert (line.levelno, line.getMessage()) == (number, "100 % done")
    assert (line.run_id, line.stage_id, line.log_id) == ("r", "s", output["log_id"])


def test_secrets_do_not_reach_the_server_log(caplog):
    caplog.set_level(logging.INFO, logger="flowmason.pipeline")

    run({"message": "m", "data": {"password": "p"}, "tags": {"token": "t"}})

    [line] = caplog.records
    assert (line.data, line.tags) == ({"password": "***"}, {"token": "***"})


def test_the_trace_gets_an_entry():
    _, context = run({"message": "m", "level": "warning", "data": [1]})

    assert context.logs == [{"level": "warning", "message": "m", "data": [1]}]


def test_the_trace_gets_none_when_not_wanted():
    _, context = run({"message": "m", "emit_to_trace": False})

    assert context.logs == []


def test_passthrough_is_given_on():
    output, _ = run({"message": "m", "passthrough": {"a": 1}})

    assert (output["logged"], output["passthrough"]) == (True, {"a": 1})


def test_every_attempt_gives_the_same_output():
    assert run({"message": "m"}, attempt=1)[0] == run({"message": "m"}, attempt=2)[0]


def test_data_too_large_for_a_log_is_left_out_of_it():
    output, context = run({"message": "m" * 20_000, "data": ["x" * 1000] * 100})

    [entry] = context.logs
    assert entry["data"] == {"omitted": "larger than 65536 bytes"}
    assert len(entry["message"]) == 10_000
    assert output["logged"]
