"""The bells: Dramatiq messages without content, and the broker that wakes idle workers.

The database carries the work; a bell says that there is some. Losing one costs time, never work.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import dramatiq
import redis
from dramatiq.broker import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.common import compute_backoff, current_millis
from dramatiq.errors import ConnectionClosed
from dramatiq.message import Message

#: Each bell with its queue and the actor that answers it.
BELLS = {
    "runs": ("runs", "advance_run"),
    "housekeeping": ("housekeeping", "keep_house"),
    # Not behind runs, of which ten thousand may wait.
    "tests": ("housekeeping", "advance_test_run"),
}

_INCARNATION = "fm:incarnation"
_SWEEP_LOCK = "fm:sweep"


class WakingConsumer(_RedisConsumer):
    """Dramatiq's consumer, waiting for a wake-up where the stock one sleeps.

    It waits at most as long as the stock one would have slept, so a lost wake-up costs no more.
    """

    def __init__(self, broker: WakingBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)
        self.wake = broker.wake_event(queue_name)

    def ack(self, message: Any) -> None:
        was_full = self.is_full
        super().ack(message)
        if was_full:
            self.wake.set()  # there is room in the prefetch window again

    def nack(self, message: Any) -> None:
        super().nack(message)
        self.wake.set()

    @property
    def is_full(self) -> bool:
        """Whether the prefetch window has no room."""
        return bool(self.outstanding_message_count >= self.prefetch)

    def __next__(self) -> MessageProxy | None:
        try:
            if not self.message_cache:
                self.fetch()
            if not self.message_cache:
                return self.wait()
            self.misses = 0
            message = Message.decode(self.message_cache.pop(0))
            self.queued_message_ids.add(message.message_id)
            return MessageProxy(message)
        except redis.RedisError as error:
            raise ConnectionClosed(error) from None

    def fetch(self) -> None:
        room = self.prefetch - self.outstanding_message_count
        self.wake.clear()  # before fetching: a wake-up from now on is not lost
        if room > 0:
            self.message_cache = self.broker.do_fetch(self.queue_name, room)

    def wait(self) -> None:
        self.misses, pause_ms = compute_backoff(self.misses, max_backoff=self.timeout)
        if self.wake.wait(pause_ms / 1000):
            self.misses = 0


class WakingBroker(RedisBroker):
    """A Redis broker that publishes each enqueued message's queue, so that idle consumers hear it
    within milliseconds instead of polling (Dramatiq 2.2 polls up to once a second)."""

    def __init__(self, **options: Any) -> None:
        self._wake_events: dict[str, threading.Event] = {}
        self._wake_lock = threading.Lock()
        self._listener: threading.Thread | None = None
        super().__init__(**options)

    @property
    def consumer_class(self) -> type[WakingConsumer]:
        return WakingConsumer

    @property
    def wake_channel(self) -> str:
        """Where the names of queues with new messages are published."""
        return f"{self.namespace}:wake"

    def do_enqueue(self, queue_name: str, *arguments: Any) -> Any:
        script = self.scripts["dispatch"]
        values = [
            "enqueue",
            current_millis(),
            queue_name,
            self.broker_id,
            self.heartbeat_timeout,
            self.dead_message_ttl,
            self._should_do_maintenance("enqueue"),
            self._max_unpack_size(),
            *arguments,
        ]
        try:
            return self._enqueue_and_wake(script, values, queue_name)
        except redis.exceptions.NoScriptError:
            script.sha = self.client.script_load(script.script)
            return self._enqueue_and_wake(script, values, queue_name)

    def _enqueue_and_wake(self, script: Any, values: list[Any], queue_name: str) -> Any:
        pipe = self.client.pipeline(transaction=False)  # one round trip: enqueue and wake
        pipe.evalsha(script.sha, 1, self.namespace, *values)
        pipe.publish(self.wake_channel, queue_name)
        return pipe.execute()[0]

    def count(self, queue_name: str) -> int:
        """How many bells wait in the queue."""
        return int(self.client.llen(f"{self.namespace}:{queue_name}"))

    def wake_event(self, queue_name: str) -> threading.Event:
        """The event that is set when `queue_name` has a new message; starts listening."""
        with self._wake_lock:
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, daemon=True, name="wake")
                self._listener.start()
            return self._wake_events.setdefault(queue_name, threading.Event())

    def _listen(self) -> None:
        while True:
            try:
                self._listen_once()
            except redis.RedisError:
                time.sleep(0.5)

    def _listen_once(self) -> None:
        with self.client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(self.wake_channel)
            for event in list(self._wake_events.values()):
                event.set()  # what was published while nobody listened
            while True:
                heard = channel.get_message(timeout=5)
                if heard and (event := self._wake_events.get(heard["data"].decode())):
                    event.set()


def connect(url: str, middleware: list[Any] | None = None) -> WakingBroker:
    """Makes the broker at `url` (redis, rediss or unix) this process's, and declares the queues."""
    pool = redis.ConnectionPool.from_url(
        url, max_connections=200, socket_connect_timeout=3, socket_timeout=15
    )
    broker = WakingBroker(
        client=redis.Redis(connection_pool=pool),
        middleware=middleware or [],
        heartbeat_timeout=30_000,
        maintenance_chance=100_000,
    )
    for queue, _ in BELLS.values():
        broker.declare_queue(queue)
    dramatiq.set_broker(broker)
    return broker


def _broker() -> WakingBroker:
    broker = dramatiq.get_broker()
    assert isinstance(broker, WakingBroker), "connect() comes first"
    return broker


def ring(bell: str, times: int = 1) -> None:
    """Enqueues a bell of BELLS `times` times. Raises redis.RedisError with Redis away."""
    queue, actor = BELLS[bell]
    for _ in range(times):
        message = Message(queue_name=queue, actor_name=actor, args=(), kwargs={}, options={})
        _broker().enqueue(message)


def answers() -> bool:
    """Whether the broker answers. It may take as long as its time-outs allow."""
    try:
        return bool(_broker().client.ping())
    except (redis.RedisError, OSError):
        return False


def is_quiet(bell: str) -> bool:
    """Whether none waits in the queue of this bell."""
    return not _broker().count(BELLS[bell][0])


def was_emptied() -> bool:
    """Whether Redis lost what it held since `mark_filled` was called."""
    return not _broker().client.exists(_INCARNATION)


def mark_filled() -> None:
    """Remembers in Redis that the bells of all due rows were rung."""
    _broker().client.set(_INCARNATION, "1")


def elected_to_sweep() -> bool:
    """Whether this process is the one that sweeps now. With Redis away each one is: sweeping
    twice is harmless, for every act is a compare-and-set."""
    try:
        return bool(_broker().client.set(_SWEEP_LOCK, "1", nx=True, px=1900))
    except redis.RedisError:
        return True
