"""The events of one run for one reader who takes them one by one: first stored ones, then live."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from app.core import clock, wire
from app.core.errors import StudioError, Unavailable
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.realtime.hub import Hub
from app.realtime.outbox import Batch, Closing, Lagged, Live, Outbox, Replay, Said
from app.realtime.ports import Journals

PING_SECONDS = 15.0
RECHECK_SECONDS = 40.0
RETRY_SECONDS = 1.0
PAGE = 100
#: Live events that wait for a slow reader; what does not fit is read from the journal later.
MAX_WAITING = 100

_ENDS = frozenset(f"run_{status}" for status in RunStatus if is_final(status))
_NEVER = float("inf")


class Told(NamedTuple):
    """One event as its JSON text; `seq` is None for token chunks, which are not stored."""

    seq: int | None
    type: str
    text: str


class Feed:
    """What one reader is told of a run. `events` is its life; `close` may come from any thread.

    `head` is the run's as `Journals.find` gave it when the reader was admitted. `renew` looks at
    the reader's credential once more (raises Unauthenticated); None: it never ends.
    """

    def __init__(
        self,
        house: Journals,
        hub: Hub,
        who: Principal,
        run_id: str,
        head: Mapping[str, Any],
        after_seq: int = 0,
        renew: Callable[[], Principal] | None = None,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._house, self._hub, self._who, self._renew = house, hub, who, renew
        self._monotonic = monotonic
        self._outbox = Outbox(MAX_WAITING)
        # A run never told more than its head: who claims to know more has missed what follows.
        after_seq = min(after_seq, head["last_seq"])
        self._stream = self._outbox.open(run_id, after_seq)
        self._last_of_all = head["last_seq"] if is_final(RunStatus(head["status"])) else None
        self._ended = after_seq == self._last_of_all
        now = monotonic()
        self._ping_at = now + PING_SECONDS
        self._recheck_at = now + RECHECK_SECONDS if renew else _NEVER
        self._retry_at = _NEVER

    def close(self, code: int) -> None:
        """Ends the feed: this process ends, and the reader goes on with another."""
        self._outbox.say(Closing(code))

    def events(self) -> Iterator[Told | None]:
        """What happens, until the run has ended or the reader may not read it any more; None is
        a sign of life, the first one at once.
        """
        if self._ended:
            return
        yield None
        self._hub.register(self)
        try:
            # Joined before anything is read: what happens after the reading comes over the bus.
            self._hub.join(self._stream.run_id, self._outbox)
            self._outbox.catch_up(self._stream)
            yield from self._until_ended()
        finally:
            self._hub.leave(self._stream.run_id, self._outbox)
            self._hub.unregister(self)

    def _until_ended(self) -> Iterator[Told | None]:
        while not self._ended:
            for told in self._turn():
                yield told
                # A slow reader may have taken long over it.
                self._keep_time()
                if self._ended:
                    return
            self._keep_time()

    def _turn(self) -> Iterator[Told | None]:
        due = min(self._ping_at, self._recheck_at, self._retry_at)
        item = self._outbox.take(max(0.0, due - self._monotonic()))
        match item:
            case Said():
                self._ended = True
            case Lagged():
                self._stream = self._outbox.open(self._stream.run_id, self._stream.last)
                self._outbox.catch_up(self._stream)
            case Replay():
                yield from self._page()
            case list():
                yield from self._live_batch(item)
        if self._monotonic() >= self._ping_at:
            self._ping_at = self._monotonic() + PING_SECONDS
            yield None

    def _page(self) -> Iterator[Told]:
        stream = self._stream
        self._outbox.begin_page(stream)
        try:
            events = self._house.since(self._who, stream.run_id, stream.last, PAGE)
        except Unavailable:
            self._retry_at = self._monotonic() + RETRY_SECONDS
            return
        except StudioError:  # the run was removed
            self._ended = True
            return
        for event in events:
            yield self._tell(Told(event["seq"], event["type"], wire.dumps(event)))
        self._outbox.end_page(stream, more=len(events) >= PAGE)

    def _live_batch(self, batch: Batch) -> Iterator[Told]:
        for _, event in batch:
            yield from self._live(event)
            if self._ended:
                return

    def _live(self, event: Live) -> Iterator[Told]:
        told = Told(event.seq, wire.read(event.text)["type"], event.text)
        if told.seq is None:
            yield told
        elif told.seq == self._stream.last + 1:
            yield self._tell(told)
        elif told.seq > self._stream.last:
            # Some were lost, or another worker's event overtook them: the journal has them all.
            self._outbox.catch_up(self._stream)

    def _tell(self, told: Told) -> Told:
        assert told.seq is not None
        self._stream.last = told.seq
        self._ended = told.type in _ENDS or told.seq == self._last_of_all
        return told

    # Deadlines

    def _keep_time(self) -> None:
        now = self._monotonic()
        if now >= self._retry_at:
            self._retry_at = _NEVER
            self._outbox.catch_up(self._stream)
        if now >= self._recheck_at and self._renew is not None:
            self._recheck(self._renew, now)

    def _recheck(self, renew: Callable[[], Principal], now: float) -> None:
        try:
            who = renew()
        except Unavailable:
            self._recheck_at = now + RETRY_SECONDS
        except StudioError:
            self._ended = True
        else:
            self._recheck_at = now + RECHECK_SECONDS
            self._ended |= who.org_id != self._who.org_id or not who.may("runs:read")
