"""The hub over a real server: who hears what, and what the watch finds."""

import json
import os
import queue
import threading

import pytest

from app.core.errors import NoRoom
from app.infra import bus
from app.realtime import hub as hubs
from app.realtime.hub import Hub
from tests.conftest import cut_listeners, listeners, wait_until

#: Channels are shared by all that use one Redis.
ONE, TWO, THREE = (f"run-{os.getpid()}-{number}" for number in (1, 2, 3))


class Ear:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.events: queue.Queue = queue.Queue()
        self.nudges: queue.Queue = queue.Queue()

    def event(self, event) -> None:
        self.events.put(event)

    def nudge(self, run_id, head) -> None:
        self.nudges.put((run_id, head))


class Journal:
    """What `heads` answers, and which questions it was asked."""

    def __init__(self) -> None:
        self.heads: dict[str, tuple[int, str]] = {}
        self.asked: list[list[str]] = []

    def __call__(self, run_ids):
        self.asked.append(list(run_ids))
        return {run_id: self.heads[run_id] for run_id in run_ids if run_id in self.heads}


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def hub(redis_url, journal):
    """A hub whose watch looks only when it is told to, or when the bus came back."""
    bus.connect(redis_url)
    made = Hub(journal, watch_seconds=3600)
    yield made
    made.stop()
    wait_until(lambda: not listeners())


def join(hub: Hub, run_id: str, ear: Ear) -> None:
    """Joins, and waits however long Redis takes: what is published earlier would be lost."""
    hub.join(run_id, ear)
    wait_until(lambda: bus.client().pubsub_numsub(bus.run_channel(run_id))[0][1] == 1)


def publish(run_id: str, seq: int | None) -> None:
    bus.publish_events(run_id, [json.dumps({"seq": seq, "type": "x"}).encode()])


def test_every_listener_of_a_run_hears_its_events_and_no_others(hub):
    first, second, other = Ear(), Ear(), Ear()
    join(hub, ONE, first)
    join(hub, ONE, second)
    join(hub, TWO, other)

    publish(ONE, 1)
    publish(TWO, 7)

    assert first.events.get(timeout=5).seq == 1
    assert second.events.get(timeout=5).seq == 1
    assert other.events.get(timeout=5).seq == 7


def test_event_keeps_the_text_that_was_published(hub):
    ear = Ear()
    join(hub, ONE, ear)

    bus.publish_events(ONE, ['{"seq":null,"chunk":"ä"}'.encode()])

    event = ear.events.get(timeout=5)
    assert (event.run_id, event.seq, event.text) == (ONE, None, '{"seq":null,"chunk":"ä"}')


def test_one_who_left_hears_nothing_more(hub):
    gone, stays = Ear(), Ear()
    join(hub, ONE, gone)
    join(hub, ONE, stays)

    hub.leave(ONE, gone)
    publish(ONE, 1)

    assert stays.events.get(timeout=5).seq == 1
    assert gone.events.empty()


def test_run_nobody_follows_is_not_subscribed_to(hub):
    ear = Ear()
    join(hub, ONE, ear)

    hub.leave(ONE, ear)

    wait_until(lambda: bus.client().pubsub_numsub(bus.run_channel(ONE))[0][1] == 0)


def test_watch_asks_once_for_all_open_runs_and_nudges(hub, journal):
    ear = Ear()
    for number, run_id in enumerate((ONE, TWO, THREE), 1):
        journal.heads[run_id] = (number, "running")
        join(hub, run_id, ear)
    wait_until(lambda: journal.asked)  # the look that follows the first connection
    journal.asked.clear()

    hub.look()

    assert journal.asked == [[ONE, TWO, THREE]]
    found = set()
    while not ear.nudges.empty():
        found.add(ear.nudges.get())
    assert found == {(ONE, 1), (TWO, 2), (THREE, 3)}


def test_final_run_is_watched_until_it_was_seen_final(hub, journal):
    ear = Ear()
    journal.heads[ONE] = (9, "completed")
    join(hub, ONE, ear)

    wait_until(lambda: journal.asked)  # the look that follows the first connection
    hub.look()
    asked = len(journal.asked)
    hub.look()

    assert ear.nudges.get(timeout=5) == (ONE, 9)
    assert len(journal.asked) == asked


def test_lost_bus_makes_the_watch_look_at_once(hub, journal):
    ear = Ear()
    journal.heads[ONE] = (1, "running")
    join(hub, ONE, ear)
    assert ear.nudges.get(timeout=5) == (ONE, 1)

    journal.heads[ONE] = (2, "running")
    cut_listeners()

    assert ear.nudges.get(timeout=5) == (ONE, 2)
    publish(ONE, 3)
    assert ear.events.get(timeout=5).seq == 3


def test_watch_goes_on_after_the_database_was_away(redis_url):
    answers = [OSError("away"), {ONE: (4, "running")}]

    def heads(run_ids):
        answer = answers.pop(0) if answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    bus.connect(redis_url)
    hub, ear = Hub(heads, watch_seconds=0.05), Ear()
    hub.join(ONE, ear)

    assert ear.nudges.get(timeout=5) == (ONE, 4)
    hub.stop()


def test_watch_without_redis_finds_what_happens(journal):
    bus.connect("unix:///nonexistent/r.sock?db=0")
    journal.heads[ONE] = (5, "running")
    hub, ear = Hub(journal, watch_seconds=0.05), Ear()

    hub.join(ONE, ear)

    assert ear.nudges.get(timeout=5) == (ONE, 5)
    hub.stop()


class Socket:
    def __init__(self) -> None:
        self.codes: list[int] = []

    def close(self, code: int) -> None:
        self.codes.append(code)


def test_shutdown_closes_open_sockets_and_late_comers(hub):
    early, closed, late = Socket(), Socket(), Socket()
    hub.register(early)
    hub.register(closed)
    hub.unregister(closed)

    hub.close_all()
    hub.register(late)

    assert (early.codes, closed.codes, late.codes) == ([1001], [], [1001])


def test_full_process_takes_no_further_socket(journal):
    hub, first = Hub(journal, max_sockets=1), Socket()
    hub.check_room()
    hub.register(first)

    with pytest.raises(NoRoom):
        hub.check_room()
    hub.unregister(first)
    hub.check_room()


def test_process_that_shuts_down_takes_no_further_socket(hub):
    hub.close_all()

    with pytest.raises(NoRoom):
        hub.check_room()


def test_process_has_one_hub(monkeypatch, journal):
    monkeypatch.setattr(hubs._Process, "hub", None)
    made: list[Hub] = []
    threads = [threading.Thread(target=lambda: made.append(hubs.shared(journal))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 1


def test_socket_that_comes_after_the_shutdown_began_finds_no_room(monkeypatch, journal):
    monkeypatch.setattr(hubs._Process, "hub", None)
    monkeypatch.setattr(hubs._Process, "closing", None)

    hubs.close_all()

    with pytest.raises(NoRoom):
        hubs.shared(journal).check_room()
