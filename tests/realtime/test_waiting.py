"""A request that waits for its run: what wakes it, and what does not."""

import json
import threading

import pytest

from app.realtime import waiting
from app.realtime.outbox import Live
from app.realtime.waiting import Waiting
from tests.conftest import wait_until
from tests.realtime.fakes import House, Hub, caller

LONG = 60.0


class Waiter:
    """A waiting thread with its paper surroundings."""

    def __init__(self) -> None:
        self.house, self.hub, self.asked = House(), Hub(), 0
        plain = self.house.find

        def find(*asked):
            self.asked += 1
            return plain(*asked)

        self.house.find = find
        self.waiting = Waiting(self.house, self.hub, caller(), "run-1")
        self.thread = threading.Thread(target=self.waiting.wait, args=(LONG,), daemon=True)

    def begin(self) -> None:
        self.thread.start()
        wait_until(lambda: self.asked)

    def publish(self, type: str, seq: int | None = 1) -> None:
        for listener in self.hub.joined["run-1"]:
            listener.event(Live("run-1", seq, json.dumps({"seq": seq, "type": type})))

    def is_over(self) -> bool:
        self.thread.join(20)
        return not self.thread.is_alive()


@pytest.fixture
def waiter() -> Waiter:
    return Waiter()


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "paused"])
def test_settled_run_is_not_waited_for(waiter, status):
    waiter.house.status = status

    waiter.waiting.wait(LONG)

    assert waiter.asked == 1
    assert (waiter.hub.joined["run-1"], waiter.hub.sockets) == ([], [])


@pytest.mark.parametrize(
    ("type", "status"),
    [
        ("run_completed", "completed"),
        ("run_failed", "failed"),
        ("run_cancelled", "cancelled"),
        ("execution_paused", "paused"),
    ],
)
def test_event_that_settles_the_run_wakes(waiter, type, status):
    waiter.begin()

    waiter.house.status = status
    waiter.publish(type)

    assert waiter.is_over()
    assert waiter.asked == 2


def test_nudge_of_the_watch_wakes(waiter):
    waiter.begin()

    waiter.house.status = "completed"
    waiter.hub.nudge("run-1", 7)

    assert waiter.is_over()


def test_other_events_ask_the_database_nothing(waiter):
    waiter.begin()

    for seq in range(1, 50):
        waiter.publish("stage_completed", seq)
    waiter.publish("token_chunk", None)
    waiter.hub.nudge("run-1", 0)
    waiter.house.status = "completed"
    waiter.publish("run_completed", 50)

    assert waiter.is_over()
    assert waiter.asked == 2


def test_end_of_the_process_wakes(waiter):
    waiter.begin()

    waiter.waiting.close(1001)

    assert waiter.is_over()
    assert (waiter.hub.joined["run-1"], waiter.hub.sockets) == ([], [])


def test_database_away_is_asked_again(waiter, monkeypatch):
    monkeypatch.setattr(waiting, "RETRY_SECONDS", 0.01)
    waiter.house.away = True
    waiter.begin()
    wait_until(lambda: waiter.asked > 2)

    waiter.house.status, waiter.house.away = "completed", False

    assert waiter.is_over()


def test_time_that_is_over_ends_the_wait(waiter):
    waiter.waiting.wait(0)

    assert waiter.asked == 1
    assert waiter.hub.joined["run-1"] == []
