"""The hub over a real server: who hears what, and what the watch finds."""

import json
import queue
import threading

import pytest

from app.infra import bus
from app.realtime import hub as hubs
from app.realtime.hub import Hub
from tests.conftest import wait_until


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


def publish(run_id: str, seq: int | None) -> None:
    bus.publish_events(run_id, [json.dumps({"seq": seq, "type": "x"}).encode()])


def test_every_listener_of_a_run_hears_its_events_and_no_others(hub):
    first, second, other = Ear(), Ear(), Ear()
    hub.join("run-1", first)
    hub.join("run-1", second)
    hub.join("run-2", other)

    publish("run-1", 1)
    publish("run-2", 7)

    assert first.events.get(timeout=5).seq == 1
    assert second.events.get(timeout=5).seq == 1
    assert other.events.get(timeout=5).seq == 7


def test_event_keeps_the_text_that_was_published(hub):
    ear = Ear()
    hub.join("run-1", ear)

    bus.publish_events("run-1", ['{"seq":null,"chunk":"ä"}'.encode()])

    event = ear.events.get(timeout=5)
    assert (event.run_id, event.seq, event.text) == ("run-1", None, '{"seq":null,"chunk":"ä"}')


def test_one_who_left_hears_nothing_more(hub):
    gone, stays = Ear(), Ear()
    hub.join("run-1", gone)
    hub.join("run-1", stays)

    hub.leave("run-1", gone)
    publish("run-1", 1)

    assert stays.events.get(timeout=5).seq == 1
    assert gone.events.empty()


def test_run_nobody_follows_is_not_subscribed_to(hub):
    ear = Ear()
    hub.join("run-1", ear)

    hub.leave("run-1", ear)

    wait_until(lambda: bus.client().pubsub_numsub("run:run-1")[0][1] == 0)


def test_watch_asks_once_for_all_open_runs_and_nudges(hub, journal):
    ear = Ear()
    for number in (1, 2, 3):
        journal.heads[f"run-{number}"] = (number, "running")
        hub.join(f"run-{number}", ear)
    wait_until(lambda: journal.asked)  # the look that follows the first connection
    journal.asked.clear()

    hub.look()

    assert journal.asked == [["run-1", "run-2", "run-3"]]
    found = set()
    while not ear.nudges.empty():
        found.add(ear.nudges.get())
    assert found == {("run-1", 1), ("run-2", 2), ("run-3", 3)}


def test_final_run_is_watched_until_it_was_seen_final(hub, journal):
    ear = Ear()
    journal.heads["run-1"] = (9, "completed")
    hub.join("run-1", ear)

    hub.look()
    asked = len(journal.asked)
    hub.look()

    assert ear.nudges.get(timeout=5) == ("run-1", 9)
    assert len(journal.asked) == asked


def test_lost_bus_makes_the_watch_look_at_once(hub, journal):
    ear = Ear()
    journal.heads["run-1"] = (1, "running")
    hub.join("run-1", ear)
    assert ear.nudges.get(timeout=5) == ("run-1", 1)

    journal.heads["run-1"] = (2, "running")
    bus.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    assert ear.nudges.get(timeout=5) == ("run-1", 2)
    publish("run-1", 3)
    assert ear.events.get(timeout=5).seq == 3


def test_watch_goes_on_after_the_database_was_away(redis_url):
    answers = [OSError("away"), {"run-1": (4, "running")}]

    def heads(run_ids):
        answer = answers.pop(0) if answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    bus.connect(redis_url)
    hub, ear = Hub(heads, watch_seconds=0.05), Ear()
    hub.join("run-1", ear)

    assert ear.nudges.get(timeout=5) == ("run-1", 4)
    hub.stop()


def test_watch_without_redis_finds_what_happens(journal):
    bus.connect("unix:///nonexistent/r.sock?db=0")
    journal.heads["run-1"] = (5, "running")
    hub, ear = Hub(journal, watch_seconds=0.05), Ear()

    hub.join("run-1", ear)

    assert ear.nudges.get(timeout=5) == ("run-1", 5)
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


def test_process_has_one_hub(monkeypatch, journal):
    monkeypatch.setattr(hubs._Process, "hub", None)
    made: list[Hub] = []
    threads = [threading.Thread(target=lambda: made.append(hubs.shared(journal))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 1


def test_shutdown_of_a_process_without_sockets_does_nothing(monkeypatch):
    monkeypatch.setattr(hubs._Process, "hub", None)

    hubs.close_all()

    assert hubs._Process.hub is None
