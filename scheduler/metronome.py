"""rq-scheduler as a metronome: its sorted set holds the house jobs, and no rq worker exists.

What the original would do and this does not: end at the first error, delete a lock that another
holds, and forget a job whose record is gone.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from rq_scheduler import Scheduler

log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1
_LOCK_SECONDS = 5
_PUT_BACK_SECONDS = 60.0
# Upstream deletes whatever lock it finds; this one only its own.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"


@dataclass(frozen=True, slots=True)
class HouseJob:
    """Something that is done every so many seconds, by sending a message."""

    every_seconds: int
    send: Callable[[], Any]


def _nothing() -> None:
    """What the rq record names: no rq worker exists that could call it."""


class Metronome(Scheduler):  # type: ignore[misc]  # the package has no types
    """Sends the house jobs when they are due; of several metronomes one at a time."""

    scheduler_key = "fm:scheduler"
    scheduler_lock_key = "fm:scheduler_lock"
    scheduled_jobs_key = "fm:scheduled_jobs"

    def __init__(
        self,
        connection: redis.Redis,
        jobs: Mapping[str, HouseJob],
        each_beat: Sequence[Callable[[], object]] = (),
    ) -> None:
        super().__init__(connection=connection, interval=_INTERVAL_SECONDS)
        self._house_jobs = jobs
        self._each_beat = each_beat
        self._token = uuid.uuid4().hex
        self._put_back_at = 0.0
        self._away = False
        self._stop = threading.Event()

    def stop(self) -> None:
        """Asks `beat_until_stopped` to return; safe in a signal handler."""
        self._stop.set()

    def beat_until_stopped(self) -> None:
        """Ticks each second until `stop`; a Redis that is away is waited for.

        What `each_beat` names is called each second too, with Redis or without.
        """
        while not self._stop.is_set():
            self._tick_if_redis_is_there()
            for deed in self._each_beat:
                _survive(deed)
            self._stop.wait(_INTERVAL_SECONDS)

    def _tick_if_redis_is_there(self) -> None:
        try:
            self.tick()
            self._away = False
        except redis.RedisError:
            if not self._away:
                log.warning("Redis is away", extra={"action": "redis_away"})
            self._away, self._put_back_at = True, 0.0

    def tick(self) -> None:
        """Sends what is due, unless another metronome is at it. Raises redis.RedisError."""
        if not self.acquire_lock():
            return
        try:
            self._put_back()
            self.enqueue_jobs()
        finally:
            self.remove_lock()

    def acquire_lock(self) -> bool:
        """Takes the lock with our own token, for a few seconds at most."""
        self._lock_acquired = bool(
            self.connection.set(self.scheduler_lock_key, self._token, nx=True, ex=_LOCK_SECONDS)
        )
        return self._lock_acquired

    def remove_lock(self) -> None:
        """Gives the lock back if it is still ours."""
        if self._lock_acquired:
            self._lock_acquired = False
            self.connection.eval(_RELEASE, 1, self.scheduler_lock_key, self._token)

    def enqueue_jobs(self) -> None:
        """Sends each due job; the trouble of one is not the trouble of the next."""
        for job in list(self.get_jobs_to_queue()):
            try:
                self.enqueue_job(job)
            except redis.RedisError:
                raise
            except Exception:
                log.exception("a house job failed", extra={"action": "job_failed", "job": job.id})

    def enqueue_job(self, job: Any) -> None:
        """Sends the job's message. Its next time is set first: an error never repeats it faster."""
        house_job = self._house_jobs.get(job.id)
        if house_job is None:  # an earlier release's
            self.cancel(job)
            return
        self._plan(job.id, time.time() + house_job.every_seconds)
        house_job.send()

    def _put_back(self) -> None:
        """Plans each house job that Redis does not know; at the start and once a minute."""
        if time.monotonic() < self._put_back_at:
            return
        for name, house_job in self._house_jobs.items():
            record = self.job_class.exists(name, connection=self.connection)
            if not record or name not in self:
                self._create_job(_nothing, id=name, result_ttl=-1, description=name)
                first_seconds = min(_PUT_BACK_SECONDS, house_job.every_seconds)
                self._plan(name, time.time() + first_seconds)
        self._put_back_at = time.monotonic() + _PUT_BACK_SECONDS

    def _plan(self, name: str, at: float) -> None:
        self.connection.zadd(self.scheduled_jobs_key, {name: int(at)})


def _survive(deed: Callable[[], object]) -> None:
    # The clock outlives every bad moment of the database.
    try:
        deed()
    except Exception:
        log.warning("try again", extra={"action": "beat_failed"}, exc_info=True)
