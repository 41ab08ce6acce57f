"""Whoever is called from a run can tell which run it was, and what set it off."""

from __future__ import annotations

import pytest

from app.infra import egress
from app.infra.egress import Guard, GuardedClient
from app.services.runs import drive
from tests.loopback import answer, serving
from tests.services.runs.conftest import row
from tests.services.runs.test_subpipeline import child_of, sub

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def outside(monkeypatch):
    """A way out that may reach this machine."""
    client = GuardedClient(Guard(["127.0.0.0/8"]))
    monkeypatch.setattr(egress._Process, "client", client)
    yield
    client.idle.close()


def call(url: str, **members: object) -> dict:
    return {"id": "call", "component_type": "http_request", "config": {"url": url}, **members}


def parents(server) -> list[list[str]]:
    """Version, trace, span and flags of what each request named as its cause."""
    return [heard.headers["traceparent"].split("-") for heard in server.requests]


def test_attempts_of_a_call_share_the_trace_of_their_run_and_are_spans_of_their_own(
    outside, deploy, start
):
    def script(_):
        if len(server.requests) < 3:
            raise EOFError
        return [answer(b"at last")]

    with serving(script) as server:
        again = {"max_attempts": 3, "initial_delay_ms": 1}
        run_id = start(deploy(call(server.url(), retry=again)), trace_id=TRACE)
        drive.advance_run()

    assert row(run_id).status == "completed"
    assert [parent[1] for parent in parents(server)] == [TRACE] * 3
    assert len({parent[2] for parent in parents(server)}) == 3
    assert {heard.headers["x-flowmason-run"] for heard in server.requests} == {run_id}


def test_calls_of_a_child_carry_the_trace_of_its_parent_and_its_own_id(outside, deploy, start):
    with serving(lambda _: [answer(b"hi")]) as server:
        inner = deploy(call(server.url()))
        run_id = start(deploy(sub("s", inner)))
        drive.advance_run()

    assert [parent[1] for parent in parents(server)] == [row(run_id).trace_id]
    assert server.requests[0].headers["x-flowmason-run"] == child_of(run_id).id
