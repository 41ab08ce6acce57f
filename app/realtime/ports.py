"""What a session needs of the world; the door brings it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from app.core.principal import Principal
from app.realtime.hub import Listener
from app.realtime.outbox import Live


class Gone(Exception):
    """The client is not there any more."""


class Wire(Protocol):
    """The socket as the session sees it."""

    def send(self, text: str) -> None:
        """Sends a text frame, waiting as long as the client is slow. Raises Gone."""

    def send_live(self, events: Sequence[Live]) -> None:
        """Sends the events, each in a frame of its own, in one go. Raises Gone."""

    def ping(self) -> None:
        """Sends a ping frame. Raises Gone."""

    def close(self, code: int, reason: str) -> None:
        """Sends a close frame; harmless when the socket is closed already."""

    def silent_seconds(self) -> float:
        """How long no frame at all has come from the client."""

    def watch_stalls(self, glance: Callable[[], None]) -> None:
        """Has `glance` called every few seconds while a send waits; it may raise Gone."""


class Journals(Protocol):
    """Runs and their stored events. Each call gives its database connection back.

    Both raise Unavailable while the database is away.
    """

    def find(self, who: Principal, run_id: str) -> Mapping[str, Any]:
        """`status` and `last_seq` of a run. Raises NotFound."""

    def since(
        self, who: Principal, run_id: str, after_seq: int, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """Stored events with `seq > after_seq` in order, at most `limit`. Raises NotFound."""


class House(Journals, Protocol):
    """What a session asks of the house. Each call gives its database connection back.

    Any of them raises Unavailable while the database is away.
    """

    def authenticate(self, token: str) -> Principal:
        """The caller that a token stands for. Raises Unauthenticated."""

    def user(self, who: Principal) -> Mapping[str, Any] | None:
        """`{id, name}` of the caller; None when it is no user."""

    def control(self, who: Principal, command: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Gives a run a command, one of CONTROL_TYPES, with its fields (`run_id` and, of those of
        breakpoints, more); gives its RunControl.

        Raises ValidationFailed, NotFound, IllegalMove.
        """


class Rooms(Protocol):
    """The hub as the session sees it."""

    def join(self, run_id: str, listener: Listener) -> None:
        """Begins to send the run's events to the listener."""

    def leave(self, run_id: str, listener: Listener) -> None:
        """Ends it."""
