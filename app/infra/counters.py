"""What happened, added up by all processes in Redis. A counter may start anew: Redis may be lost.

Counting touches memory alone; `flush` carries it over, so no run waits for Redis.
"""

from __future__ import annotations

import threading
from collections import Counter

import redis

from app.infra import bus

_KEY = "fm:counters"
_counted: Counter[str] = Counter()
_lock = threading.Lock()


def add(name: str, amount: int = 1) -> None:
    """Counts in this process."""
    with _lock:
        _counted[name] += amount


def flush() -> None:
    """Carries over what this process counted since the last time; asks nothing when idle.

    Raises redis.RedisError, and keeps what it could not carry over.
    """
    with _lock:
        counted = dict(_counted)
        _counted.clear()
    if not counted:
        return
    pipe = bus.client().pipeline(transaction=False)
    for name, amount in counted.items():
        pipe.hincrby(_KEY, name, amount)
    try:
        pipe.execute()
    except redis.RedisError:
        with _lock:
            _counted.update(counted)
        raise


def read() -> dict[str, int]:
    """What all processes counted; nothing with Redis away."""
    try:
        found = bus.client().hgetall(_KEY)
    except redis.RedisError:
        return {}
    return {name.decode(): int(amount) for name, amount in found.items()}
