"""What waits for one client: its own messages, live events, and runs to read from the journal.

Filled by the hub's thread and the client's reader, emptied by the client's session. Bounded: a
client that takes nothing loses token chunks first, then whole subscriptions.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from app.realtime.encoding import text_frame

_BATCH = 50


@dataclass(slots=True, eq=False)
class Live:
    """An event as it came over the bus; `seq` is None for token chunks, which are not stored."""

    run_id: str
    seq: int | None
    text: str
    _frame: bytes | None = field(default=None, init=False, repr=False)

    def frame(self) -> bytes:
        """The event as a WebSocket frame, made once for all who are sent it."""
        if self._frame is None:
            self._frame = text_frame(self.text)
        return self._frame


Batch = list[tuple["Stream", Live]]


@dataclass(slots=True, eq=False)
class Stream:
    """One subscription: events up to `last` were sent.

    Not `live`: it is being read from the journal, and what the bus says meanwhile only notes
    that there is more to read (`moved`). Live: events are queued, up to `queued`.
    """

    run_id: str
    last: int
    live: bool = False
    moved: bool = False
    queued: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Closing:
    """The house wants this socket closed, with a WebSocket close code."""

    code: int


@dataclass(frozen=True, slots=True)
class Said:
    """The client's reader or the house says something: a text, Closing or Gone."""

    what: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """The stream is to be read on from the journal."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Lagged:
    """The stream has ended: its client was too slow."""

    stream: Stream


class Outbox:
    """The queue of one client; at most `limit` live events wait in it."""

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self._ready = threading.Condition()
        self._streams: dict[str, Stream] = {}
        self._said: deque[Said] = deque()
        self._lagged: deque[Lagged] = deque()
        self._events: deque[tuple[Stream, Live]] = deque()
        self._replays: deque[Stream] = deque()
        self._turns = 0  # live events to be taken before the next page of a replay

    # Whoever fills it

    def say(self, what: Any) -> int:
        """Queues what the session must hear; answers how much of that waits now."""
        with self._ready:
            self._said.append(Said(what))
            self._ready.notify()
            return len(self._said)

    def event(self, event: Live) -> None:
        """Takes an event of the bus; never waits."""
        with self._ready:
            stream = self._streams.get(event.run_id)
            if stream is None:
                return
            if not stream.live:
                stream.moved = stream.moved or event.seq is not None
            elif len(self._events) < self._limit or self._make_room(stream, event):
                self._events.append((stream, event))
                stream.queued = max(stream.queued, event.seq or 0)
                self._ready.notify()

    def nudge(self, run_id: str, head: int) -> None:
        """The journal holds events up to `head`: reads them unless they are on their way."""
        with self._ready:
            stream = self._streams.get(run_id)
            if stream is None or head <= max(stream.last, stream.queued):
                return
            if stream.live:
                self._catch_up(stream)
            else:
                stream.moved = True

    def _make_room(self, stream: Stream, event: Live) -> bool:
        if event.seq is None:
            return False
        self._events = deque(waiting for waiting in self._events if waiting[1].seq is not None)
        if len(self._events) < self._limit:
            return True
        # The run that fills the queue pays, not the quiet one whose event happens to come now.
        loser = Counter(waiting[0] for waiting in self._events).most_common(1)[0][0]
        self._drop(loser)
        self._lagged.append(Lagged(loser))
        self._ready.notify()
        return loser is not stream

    # The session

    def streams(self) -> list[Stream]:
        """The subscriptions, in no order."""
        with self._ready:
            return list(self._streams.values())

    def open(self, run_id: str, after_seq: int) -> Stream:
        """A stream that begins after `after_seq`, in place of the one the run may have."""
        with self._ready:
            self._drop(self._streams.get(run_id))
            stream = self._streams[run_id] = Stream(run_id, after_seq)
            return stream

    def close(self, run_id: str) -> bool:
        """Ends the run's stream; whether there was one."""
        with self._ready:
            return self._drop(self._streams.get(run_id))

    def catch_up(self, stream: Stream) -> None:
        """Has the stream read from the journal before anything live of it is sent."""
        with self._ready:
            if self._streams.get(stream.run_id) is stream:
                self._catch_up(stream)

    def begin_page(self, stream: Stream) -> None:
        """From here on the stream's `moved` tells what a page read now may lack."""
        with self._ready:
            stream.moved = False

    def end_page(self, stream: Stream, more: bool) -> None:
        """A page is sent: reads on when there is `more`, else the stream goes live."""
        with self._ready:
            if self._streams.get(stream.run_id) is not stream:
                return
            self._turns = len(self._events)
            if more or stream.moved:
                self._replays.append(stream)
            else:
                stream.live = True

    def is_closing(self) -> bool:
        """Whether the house wants this client to go, and its session has not heard it yet."""
        with self._ready:
            return any(isinstance(said.what, Closing) for said in self._said)

    def take(self, timeout_seconds: float) -> Said | Lagged | Replay | Batch | None:
        """The next thing to do, live events several at once; None when nothing came in time.

        What was said goes first. Live events and pages of replays take turns, so that neither
        a long journal nor a busy run holds up the others.
        """
        with self._ready:
            if not self._any():
                self._ready.wait(timeout_seconds)
            if self._said:
                return self._said.popleft()
            if self._lagged:
                return self._lagged.popleft()
            if self._replays and (self._turns <= 0 or not self._events):
                return Replay(self._replays.popleft())
            return self._take_batch() if self._events else None

    def _take_batch(self) -> Batch:
        turns = self._turns if self._replays else _BATCH
        count = min(len(self._events), turns, _BATCH)
        self._turns -= count
        return [self._events.popleft() for _ in range(count)]

    def _any(self) -> bool:
        return bool(self._said or self._lagged or self._events or self._replays)

    def _catch_up(self, stream: Stream) -> None:
        self._forget(stream)
        stream.live, stream.queued = False, 0
        self._replays.append(stream)
        self._ready.notify()

    def _drop(self, stream: Stream | None) -> bool:
        if stream is None:
            return False
        del self._streams[stream.run_id]
        self._forget(stream)
        return True

    def _forget(self, stream: Stream) -> None:
        self._events = deque(waiting for waiting in self._events if waiting[0] is not stream)
        if stream in self._replays:
            self._replays.remove(stream)
