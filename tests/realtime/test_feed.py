"""One reader of one run: each event once and in order, and when there are no more."""

import json

import pytest

from app.core.errors import Unauthenticated, Unavailable
from app.realtime.feed import MAX_WAITING, PAGE, PING_SECONDS, RETRY_SECONDS, Feed
from app.realtime.outbox import Live
from tests.realtime.fakes import Clock, House, Hub, caller


class Journal(House):
    """A house whose run ends with the event `end`."""

    end = None

    def happen(self, times: int = 1) -> None:
        self.heads["run-1"] += times

    def finish(self) -> None:
        self.happen()
        self.end, self.status = self.heads["run-1"], "completed"

    def since(self, *asked) -> list[dict]:
        events = super().since(*asked)
        return [
            event | {"type": "run_completed"} if event["seq"] == self.end else event
            for event in events
        ]


class Reader:
    """A feed with its paper surroundings; `begin` opens it."""

    def __init__(self) -> None:
        self.house, self.hub, self.clock = Journal(), Hub(), Clock()

    def begin(self, after_seq: int = 0, renew=None) -> "Reader":
        head = self.house.find(None, "run-1")
        self.feed = Feed(
            self.house, self.hub, caller(), "run-1", head, after_seq, renew, self.clock
        )
        self.events = self.feed.events()
        return self

    def seqs(self, count: int) -> list:
        """The next events' seqs, without signs of life."""
        told: list = []
        while len(told) < count:
            if (event := next(self.events)) is not None:
                told.append(event.seq)
        return told

    def go_live(self) -> None:
        """Has the feed read all that is stored; the run must have moved no further."""
        self.clock.at += PING_SECONDS
        assert next(self.events) is None

    def rest(self) -> list:
        """What is told until the end; the feed must be about to end."""
        return [event.seq for event in self.events if event is not None]


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_stored_events_come_first_then_live_ones_until_the_last(reader):
    reader.house.happen(3)
    reader.begin(after_seq=1)
    assert reader.seqs(2) == [2, 3]
    reader.go_live()

    for _ in range(2):
        reader.house.happen()
        reader.hub.publish("run-1", reader.house.heads["run-1"])
    reader.house.finish()
    reader.hub.nudge("run-1", 6)

    assert reader.rest() == [4, 5, 6]
    assert (reader.hub.joined["run-1"], reader.hub.sockets) == ([], [])


def test_live_end_ends_it_without_the_journal(reader):
    reader.begin()
    next(reader.events)
    reader.go_live()
    asked = len(reader.house.pages)
    last = {"seq": 1, "type": "run_cancelled", "run_id": "run-1"}

    for listener in reader.hub.joined["run-1"]:
        listener.event(Live("run-1", 1, json.dumps(last)))

    assert reader.rest() == [1]
    assert len(reader.house.pages) == asked


def test_sign_of_life_comes_before_anything_is_joined(reader):
    reader.begin()

    assert next(reader.events) is None
    assert reader.hub.joined == {}


def test_final_run_that_was_sent_whole_ends_at_once(reader):
    reader.house.finish()

    assert list(reader.begin(after_seq=1).events) == []
    assert reader.hub.joined == {}


def test_final_run_is_read_to_its_last_event(reader):
    reader.house.happen(PAGE + 3)
    reader.house.finish()

    assert reader.begin().rest() == list(range(1, PAGE + 5))


def test_final_run_whose_last_event_is_of_no_known_kind_ends_too(reader):
    reader.house.happen(2)
    reader.house.status = "failed"

    assert reader.begin().rest() == [1, 2]


def test_absurd_seq_is_taken_for_the_newest(reader):
    reader.house.happen(2)
    reader.begin(after_seq=10**14)
    next(reader.events)

    reader.house.finish()

    assert reader.rest() == [3]


def test_event_published_during_the_reading_is_told_once(reader):
    reader.house.happen()
    plain = reader.house.since

    def since(*asked):
        page = plain(*asked)
        if reader.house.heads["run-1"] == 1:
            reader.house.happen()
            reader.hub.publish("run-1", 2)
        return page

    reader.house.since = since

    assert reader.begin().seqs(2) == [1, 2]


def test_lost_and_overtaken_events_are_read_from_the_journal(reader):
    reader.house.happen()
    reader.begin()
    reader.seqs(1)
    reader.go_live()

    reader.house.happen(3)
    for seq in (4, 2, 3, 3):
        reader.hub.publish("run-1", seq)

    assert reader.seqs(3) == [2, 3, 4]


def test_token_chunk_is_told_without_a_seq(reader):
    reader.house.happen()
    reader.begin()
    reader.seqs(1)
    reader.go_live()
    next_one = {"seq": None, "type": "token_chunk", "run_id": "run-1", "chunk": "a"}

    for listener in reader.hub.joined["run-1"]:
        listener.event(Live("run-1", None, json.dumps(next_one)))

    told = next(reader.events)
    assert (told.seq, told.type, json.loads(told.text)) == (None, "token_chunk", next_one)


def test_slow_reader_loses_chunks_first_and_no_event(reader):
    reader.house.happen()
    reader.begin()
    reader.seqs(1)
    reader.go_live()

    for _ in range(MAX_WAITING):
        reader.hub.publish("run-1", None)
    for seq in range(2, 3 * MAX_WAITING):
        reader.house.happen()
        reader.hub.publish("run-1", seq)

    (outbox,) = reader.hub.joined["run-1"]
    assert len(outbox._events) <= MAX_WAITING
    assert reader.seqs(3 * MAX_WAITING - 2) == list(range(2, 3 * MAX_WAITING))


def test_sign_of_life_comes_each_15_seconds(reader):
    reader.begin()
    next(reader.events)

    for _ in range(3):
        reader.clock.at += 15
        assert next(reader.events) is None


def test_database_away_is_asked_again(reader):
    reader.house.happen()
    reader.begin()
    next(reader.events)
    reader.house.away = True
    reader.go_live()

    reader.house.away = False
    reader.clock.at += RETRY_SECONDS

    assert reader.seqs(1) == [1]


def test_removed_run_ends_it(reader):
    reader.begin()
    next(reader.events)

    def since(*asked):
        raise Unauthenticated

    reader.house.since = since

    assert reader.rest() == []


def refused():
    raise Unauthenticated


@pytest.mark.parametrize(
    "renew", [refused, lambda: caller(org="org-b"), lambda: caller("pipelines:read")]
)
def test_credential_that_is_no_longer_good_ends_it_within_60_seconds(reader, renew):
    reader.house.happen(2)
    reader.begin(renew=renew)
    assert reader.seqs(1) == [1]

    reader.clock.at += 59

    assert reader.rest() == []
    assert reader.hub.joined["run-1"] == []


def test_good_credential_lets_it_go_on(reader):
    answers = [Unavailable(), caller()]

    def renew():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reader.begin(renew=renew)
    for _ in range(4):
        next(reader.events)
        reader.clock.at += 15
    reader.house.finish()
    reader.hub.nudge("run-1", 1)

    assert reader.rest() == [1]
    assert answers == []


def test_end_of_the_process_ends_it(reader):
    reader.begin()
    next(reader.events)

    reader.feed.close(1001)

    assert reader.rest() == []


def test_reader_that_goes_away_is_forgotten(reader):
    reader.house.happen()
    reader.begin()
    reader.seqs(1)

    reader.events.close()

    assert (reader.hub.joined["run-1"], reader.hub.sockets) == ([], [])
