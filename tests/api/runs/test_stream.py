"""Server-Sent Events: through the WSGI application, and from a real web process."""

from __future__ import annotations

import http.client
import json
from contextlib import closing

import pytest

from app.infra import bus
from app.models import Run
from app.services.pipelines.documents import create_pipeline
from app.services.runs import drive
from app.services.runs.start import start_run
from tests.api.conftest import member, problem
from tests.api.runs.test_socket import PIPELINE
from tests.api.runs.web import record, web_process
from tests.conftest import wait_until


@pytest.fixture
def run_id(new_key) -> str:
    """A run that waits for a worker."""
    create_pipeline(new_key.owner, PIPELINE)
    return start_run(new_key.owner, "say", {}).run["id"]


def path(run_id: str, query: str = "") -> str:
    return f"/api/v1/runs/{run_id}/events/stream{query}"


def read_events(text: str) -> list[dict]:
    """The fields of each event, `data` as JSON; comments are left out."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    events = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [event | {"data": json.loads(event["data"])} for event in events]


def test_finished_run_is_streamed_whole_as_lists_give_it(client, run_id, own_hub):
    drive.advance_run()

    answer = client.get(path(run_id))

    listed = client.get(f"/api/v1/runs/{run_id}/events").json["items"]
    told = read_events(answer.text)
    assert [event["data"] for event in told] == listed
    assert [(event["id"], event["event"]) for event in told] == [
        (str(event["seq"]), event["type"]) for event in listed
    ]
    assert answer.content_type == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize(
    ("query", "header", "first"),
    [("?after_seq=2", None, 3), ("?after_seq=0", "3", 4), ("", "2", 3), ("?after_seq=1", "", 2)],
)
def test_stream_goes_on_after_the_given_seq(client, run_id, own_hub, query, header, first):
    drive.advance_run()
    headers = {} if header is None else {"Last-Event-ID": header}

    told = read_events(client.get(path(run_id, query), headers=headers).text)

    assert told[0]["id"] == str(first)
    assert told[-1]["event"] == "run_completed"


@pytest.mark.parametrize("after", ["4", "999999999999999"])
def test_finished_run_that_was_sent_whole_is_an_empty_stream(client, run_id, after):
    drive.advance_run()
    assert Run.get_by_id(run_id).event_seq == 4

    answer = client.get(path(run_id), headers={"Last-Event-ID": after})

    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("header", ["x", "-1", "1.0", "1" * 40, "1,2"])
def test_header_that_is_no_id_of_an_event_is_422(client, run_id, header):
    answer = client.get(path(run_id), headers={"Last-Event-ID": header})

    assert list(problem(answer, 422, "validation-failed")["errors"]) == ["Last-Event-ID"]


def test_refusals_come_before_the_stream(client, anonymous, new_key, with_key, run_id, other_org):
    stranger = member(other_org)
    create_pipeline(stranger, PIPELINE)
    foreign = start_run(stranger, "say", {}).run["id"]

    problem(anonymous.get(path(run_id)), 401, "unauthenticated")
    problem(with_key(new_key("runs:write")).get(path(run_id)), 403, "forbidden")
    for unknown in (foreign, "run-1", "%00"):
        problem(client.get(path(unknown)), 404, "not-found")
    for query in ("?after_seq=x", "?after=1"):
        problem(client.get(path(run_id, query)), 422, "validation-failed")


def test_stream_that_finds_no_room_is_503(client, run_id, own_hub):
    own_hub._max_sockets = 0

    problem(client.get(path(run_id)), 503, "unavailable")


def test_head_is_answered_without_a_stream(client, run_id, own_hub):
    answer = client.head(path(run_id))

    assert (answer.status_code, answer.content_type) == (200, "text/event-stream")
    assert not own_hub._listeners


class Stream:
    """A reader of a real web process."""

    def __init__(self, web, run_id: str, key: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
        self._line.request("GET", path(run_id), headers={"X-API-Key": key})
        self._answer = self._line.getresponse()
        assert self._answer.status == 200

    def block(self) -> list[str]:
        """The lines up to the next empty one; none at the end."""
        lines = []
        while line := self._answer.readline().decode().rstrip("\n"):
            lines.append(line)
        return lines

    def seqs(self, count: int) -> list[int]:
        """The ids of the next events."""
        told: list[int] = []
        while len(told) < count:
            lines = self.block()
            assert lines, "the stream ended"
            if lines[0].startswith("id: "):
                told.append(int(lines[0].removeprefix("id: ")))
        return told

    def is_over(self) -> bool:
        """Reads what is left, to the regular end of the answer."""
        while self.block():
            pass
        return self._answer.isclosed()

    def close(self) -> None:
        self._answer.close()
        self._line.close()


def test_stored_events_come_first_then_live_and_lost_ones(settings, run_id, new_key):
    key = new_key("runs:read")
    record(new_key.owner, run_id, 3, publish=False)
    with web_process(settings) as web, closing(Stream(web, run_id, key)) as stream:
        assert stream.seqs(3) == [1, 2, 3]
        wait_until(lambda: bus.client().pubsub_numsub(bus.run_channel(run_id))[0][1] == 1)

        record(new_key.owner, run_id, 2)
        record(new_key.owner, run_id, 1, publish=False)

        assert stream.seqs(3) == [4, 5, 6]


def test_reader_that_went_away_is_forgotten(settings, run_id, new_key):
    channel = bus.run_channel(run_id)
    with web_process(settings) as web:
        with closing(Stream(web, run_id, new_key("runs:read"))) as stream:
            record(new_key.owner, run_id)
            assert stream.seqs(1) == [1]

        def is_forgotten() -> bool:
            record(new_key.owner, run_id)  # only who writes learns that nobody reads
            return bus.client().pubsub_numsub(channel)[0][1] == 0

        wait_until(is_forgotten)


def test_shutdown_ends_the_stream_as_a_whole_answer(settings, run_id, new_key):
    key = new_key("runs:read")
    with web_process(settings) as web, closing(Stream(web, run_id, key)) as stream:
        record(new_key.owner, run_id, 2)
        assert stream.seqs(2) == [1, 2]

        assert web.stop() == 0

        assert stream.is_over()
