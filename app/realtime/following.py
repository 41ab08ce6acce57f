"""The runs one client follows: each event exactly once and in order, however the bus behaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core import wire
from app.core.errors import StudioError, Unavailable, ValidationFailed
from app.core.principal import Principal
from app.realtime import messages
from app.realtime.messages import Message
from app.realtime.outbox import Batch, Live, Outbox, Stream
from app.realtime.ports import House, Rooms, Wire

PAGE = 200
MAX_STREAMS = 100


class Following:
    """The subscriptions of one client, used by its session's thread alone."""

    def __init__(self, outbox: Outbox, wire: Wire, house: House, hub: Rooms) -> None:
        self._outbox, self._wire, self._house, self._hub = outbox, wire, house, hub
        self._delayed: list[Stream] = []

    def begin(self, who: Principal, message: Message) -> None:
        """Follows a run anew from `after_seq` on, and answers.

        Raises NotFound, and ValidationFailed when the client follows as many as it may.
        """
        run_id = message.members["run_id"]
        self._check_count(run_id)
        self._house.find(who, run_id)
        stream = self._outbox.open(run_id, message.members.get("after_seq", 0))
        # Joined before anything is read: what happens after the reading comes over the bus.
        self._hub.join(run_id, self._outbox)
        head = self._head(who, run_id)
        told = {"run_id": run_id, "status": head["status"], "last_seq": head["last_seq"]}
        self._wire.send(messages.tell("subscribed", message, **told))
        self._outbox.catch_up(stream)

    def _check_count(self, run_id: str) -> None:
        followed = {stream.run_id for stream in self._outbox.streams()}
        if run_id not in followed and len(followed) >= MAX_STREAMS:
            sentence = f"At most {MAX_STREAMS} runs can be followed at once."
            raise ValidationFailed({"/run_id": [sentence]}, sentence)

    def _head(self, who: Principal, run_id: str) -> Mapping[str, Any]:
        try:
            return self._house.find(who, run_id)
        except StudioError:
            self.end(run_id)
            raise

    def end(self, run_id: str) -> None:
        """Follows the run no longer, if it was followed."""
        if self._outbox.close(run_id):
            self._hub.leave(run_id, self._outbox)

    def end_all(self) -> None:
        """Follows nothing any more."""
        for stream in self._outbox.streams():
            self.end(stream.run_id)

    def send_live(self, batch: Batch) -> None:
        """Sends those events of the bus that are the next ones of their stream. Raises Gone."""
        due = [event for stream, event in batch if self._is_due(stream, event)]
        if due:
            self._wire.send_live(due)

    def _is_due(self, stream: Stream, event: Live) -> bool:
        if event.seq is None:
            return stream.live
        if event.seq > stream.last + 1:
            # Some were lost, or another worker's event overtook them: the journal has them all.
            self._outbox.catch_up(stream)
        if event.seq != stream.last + 1 or not stream.live:
            return False
        stream.last = event.seq
        return True

    def send_page(self, who: Principal, stream: Stream) -> bool:
        """Sends the next stored events; False when they must be asked for again later.

        Raises Gone.
        """
        self._outbox.begin_page(stream)
        try:
            events = self._house.since(who, stream.run_id, stream.last, PAGE)
        except Unavailable:
            self._delayed.append(stream)
            return False
        except StudioError as error:
            self._give_up(stream, error)
            return True
        for event in events:
            stream.last = event["seq"]
            self._wire.send(wire.dumps(event))
        self._outbox.end_page(stream, more=len(events) >= PAGE)
        return True

    def retry(self) -> None:
        """Asks again for the pages that the database was away for."""
        for stream in self._delayed:
            self._outbox.catch_up(stream)
        self._delayed = []

    def send_lagged(self, stream: Stream) -> None:
        """Tells that the stream has ended, and where. Raises Gone."""
        self._hub.leave(stream.run_id, self._outbox)
        self._wire.send(messages.tell("lagged", run_id=stream.run_id, last_seq=stream.last))

    def _give_up(self, stream: Stream, error: StudioError) -> None:
        self.end(stream.run_id)
        asked = Message("subscribe", None, {"run_id": stream.run_id})
        self._wire.send(messages.tell_error(error, asked))
