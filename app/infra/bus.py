"""The bus: run events, token chunks and control notes from process to process, over Redis.

What is published may be lost at any time, and nobody who publishes fails for it: readers find
what they missed in the database.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

_MAX_CONNECTIONS = 500
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 5.0
_SILENCE_SECONDS = 1.0


class _Bus:
    """What `connect` set for this process."""

    url: str | None = None
    client: redis.Redis | None = None
    silent_until = 0.0


def _pool(url: str, max_connections: int, *, retries: int, **options: int) -> redis.ConnectionPool:
    return redis.ConnectionPool.from_url(
        url,
        max_connections=max_connections,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_CONNECT_SECONDS,
        retry=Retry(NoBackoff(), retries),
        **options,
    )


def connect(url: str, max_connections: int = _MAX_CONNECTIONS) -> None:
    """Binds the house to the Redis at `url` (redis://, rediss:// or unix://PATH?db=0).

    Nothing is opened yet, so it may be called before a process forks.
    """
    # One repeat: a connection kept in the pool may have died with its server's last restart.
    _Bus.client = redis.Redis(connection_pool=_pool(url, max_connections, retries=1))
    _Bus.url, _Bus.silent_until = url, 0.0


def client() -> redis.Redis:
    """The Redis client of this process. Raises RuntimeError before `connect`."""
    if _Bus.client is None:
        raise RuntimeError("bus.connect was not called")
    return _Bus.client


def line() -> redis.connection.ConnectionInterface:
    """A connection of its own, not opened yet, for somebody who listens. Raises RuntimeError
    before `connect`."""
    if _Bus.url is None:
        raise RuntimeError("bus.connect was not called")
    return _pool(_Bus.url, 1, retries=0, protocol=2).make_connection()


def run_channel(run_id: str) -> str:
    """Where the events and token chunks of a run are published."""
    return f"run:{run_id}"


CONTROL_CHANNEL = "control"  #: where workers hear the ids of runs whose control changed


def publish_events(run_id: str, payloads: Sequence[bytes]) -> None:
    """Publishes events of one run, each as its wire JSON, in order and in one round trip.

    Never raises for an absent Redis: the readers' watch finds what was lost.
    """
    channel = run_channel(run_id)
    _publish((channel, payload) for payload in payloads)


def publish_control(run_id: str) -> None:
    """Tells whoever works on the run to read its control. Never raises for an absent Redis."""
    _publish([(CONTROL_CHANNEL, run_id.encode())])


def _publish(messages: Iterable[tuple[str, bytes]]) -> None:
    # A Redis that hangs must not cost every flush of a worker its time-out.
    if time.monotonic() < _Bus.silent_until:
        return
    try:
        with client().pipeline(transaction=False) as pipe:
            for channel, payload in messages:
                pipe.publish(channel, payload)
            pipe.execute()
    except redis.RedisError as error:
        _Bus.silent_until = time.monotonic() + _SILENCE_SECONDS
        log.warning("not published: %s", error, extra={"action": "publish_failed"})
