"""Calls of one run: handed to the pool, timed, answered into the run's inbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import config
from app.core import clock
from app.core.errors import Stopped, too_slow
from app.core.wire import JSON
from app.engine.context import StageContext
from app.engine.instance import Call, Finished, Key
from app.infra import egress
from app.services.runs.claim import Lease

POOL_THREADS = 64
STUCK_SECONDS = 60.0  #: after which a thread that was asked to stop counts as never coming back
_pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="stage")


class Attempt:
    """One call in the pool: asked to stop at some time or not, come back or not."""

    def __init__(self, ends_at: int | None) -> None:
        self.ends_at = ends_at  #: in the run's milliseconds
        self.asked_to_stop_at: float | None = None
        self.is_back = False

    def check(self) -> None:
        """Raises Stopped once nobody waits for the answer any more."""
        if self.asked_to_stop_at is not None:
            raise Stopped

    def abandon(self) -> None:
        """Asks it to stop; nothing of it will be written."""
        self.asked_to_stop_at = clock.monotonic()
        _abandoned.add(self)


_abandoned: set[Attempt] = set()


def stuck() -> int:
    """How many threads of the pool run abandoned calls that do not give them back."""
    _abandoned.difference_update([attempt for attempt in list(_abandoned) if attempt.is_back])
    long_ago = clock.monotonic() - STUCK_SECONDS
    return sum((attempt.asked_to_stop_at or 0) < long_ago for attempt in list(_abandoned))


class Calls:
    """The calls of one run that are under way. Only the driving thread touches it."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.answered = False  #: an answer was taken since the last flush
        self._under_way: dict[tuple[Key, int], Attempt] = {}

    @property
    def next_timeout(self) -> int | None:
        """When the next call is out of time, in the run's milliseconds."""
        ends = (attempt.ends_at for attempt in self._under_way.values())
        return min((at for at in ends if at is not None), default=None)

    def submit(self, call: Call) -> None:
        """Runs a call in the pool; its answer comes into the run's inbox."""
        limit = call.timeout_ms
        attempt = Attempt(None if limit is None else self.lease.now() + limit)
        self._under_way[call.key, call.attempt] = attempt
        context, inbox, run_id = self._context(call, attempt), self.lease.inbox, self.lease.run_id
        # The lines that it logs carry the ids of this thread.
        ids = copy_context()
        _pool.submit(lambda: inbox.put((run_id, ids.run(_answer, call, context, attempt))))

    def _context(self, call: Call, attempt: Attempt) -> StageContext:
        trace_id = self.lease.row["trace_id"]
        return StageContext(
            run_id=self.lease.run_id,
            stage_id=call.key.stage_id,
            attempt=call.attempt,
            iteration_path=call.key.path,
            round=call.key.round,
            trace_id=trace_id,
            http=egress.client().for_run(self.lease.run_id, trace_id, attempt.check),
            stopped=attempt.check,
            max_output_bytes=config.settings().max_output_bytes,
            evaluate=call.evaluate,
        )

    def came_back(self, answer: Finished) -> bool:
        """Whether somebody still waits for this answer; it waits no longer."""
        waited = self._under_way.pop((answer.key, answer.attempt), None) is not None
        self.answered = self.answered or waited
        return waited

    def timed_out(self, now: int) -> Iterator[Finished]:
        """An answer for each call that is out of time; the call itself is abandoned."""
        for name, attempt in list(self._under_way.items()):
            if attempt.ends_at is not None and attempt.ends_at <= now:
                self._under_way.pop(name).abandon()
                self.answered = True
                yield Finished(*name, error=too_slow())

    def abandon_unwanted(self, is_wanted: Callable[[Key, int], bool]) -> None:
        """Tells the calls to stop whose answers nobody waits for any more."""
        for name in [name for name in self._under_way if not is_wanted(*name)]:
            self._under_way.pop(name).abandon()

    def abandon_all(self) -> None:
        """Tells every call under way to stop; nothing of it will be written."""
        for attempt in self._under_way.values():
            attempt.abandon()


def _answer(call: Call, context: StageContext, attempt: Attempt) -> Finished:
    output: JSON = None
    error: Exception | None = None
    try:
        output = call.component.run(context, call.inputs)
    except Exception as raised:  # whatever it is, the coordinator judges it
        error = raised
    finally:
        attempt.is_back = True
    return Finished(call.key, call.attempt, output, error, logs=tuple(context.logs))
