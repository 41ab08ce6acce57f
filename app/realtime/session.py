"""One client's talk: who it is, what it asks, and when it ends (contract 04)."""

from __future__ import annotations

import math
import secrets
from collections import deque
from collections.abc import Callable
from functools import partial

from app.core import clock
from app.core.errors import Forbidden, StudioError, Unauthenticated, Unavailable
from app.core.principal import Principal
from app.realtime import messages
from app.realtime.following import Following
from app.realtime.messages import Message
from app.realtime.outbox import Closing, Lagged, Outbox, Replay, Said, Stream
from app.realtime.ports import Gone, House, Rooms, Wire

GOING_AWAY, BINARY, TOO_BIG = 1001, 1003, 1009
BAD_CREDENTIAL, TOO_MANY = 4401, 4429

MESSAGES_PER_SECOND = 50
MAX_UNANSWERED = 200
AUTH_SECONDS = 10.0
RECHECK_SECONDS = 40.0
RETRY_SECONDS = 1.0
PING_SECONDS = 20.0
SILENCE_SECONDS = 60.0

_SCOPES = dict.fromkeys(messages.CONTROL_TYPES, "runs:write") | {"subscribe": "runs:read"}


class Session:
    """One open socket. `run` is its life; `hear`, `gone` and `close` may come from any thread.

    `who` is whom the handshake admitted; None: the first message must be `auth`. `renew` looks
    at the handshake's credential once more (raises Unauthenticated); None: it never ends.
    """

    def __init__(
        self,
        wire: Wire,
        house: House,
        hub: Rooms,
        who: Principal | None = None,
        renew: Callable[[], Principal] | None = None,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._wire, self._house = wire, house
        self._who, self._renew = who, renew
        self._monotonic = monotonic
        self._outbox = Outbox()
        self._following = Following(self._outbox, wire, house, hub)
        self._heard_at: deque[float] = deque(maxlen=MESSAGES_PER_SECOND)
        self._connection_id = secrets.token_hex(8)
        self._ended = self._closing = False
        wire.watch_stalls(self._glance)
        self._due: dict[Callable[[], None], float] = {}
        self._later(self._ping, PING_SECONDS)
        self._later(self._hear_silence, SILENCE_SECONDS)
        if who is None:
            self._later(self._refuse, AUTH_SECONDS)
        elif renew is not None:
            self._later(self._recheck, RECHECK_SECONDS)

    # From any thread

    def hear(self, message: str | bytes) -> None:
        """Takes a frame of the client; never waits. What comes after a close is not kept."""
        if self._closing:
            return
        if isinstance(message, bytes):
            self.close(BINARY)
        elif len(message.encode()) > messages.MAX_BYTES:
            self.close(TOO_BIG)
        elif self._is_too_fast() or self._outbox.say(message) > MAX_UNANSWERED:
            self.close(TOO_MANY)

    def gone(self) -> None:
        """The client went away."""
        self._outbox.say(Gone())

    def close(self, code: int) -> None:
        """Ends the session and closes the socket with `code`."""
        self._closing = True
        self._outbox.say(Closing(code))

    def _is_too_fast(self) -> bool:
        now = self._monotonic()
        full = len(self._heard_at) == MESSAGES_PER_SECOND and now - self._heard_at[0] < 1.0
        self._heard_at.append(now)
        return full

    # The session's own thread

    def run(self) -> None:
        """Talks with the client until one side has enough."""
        try:
            if self._who is not None:
                self._tell_connected(None)
            while not self._ended:
                self.turn()
        except Gone:
            pass
        finally:
            self._following.end_all()

    def turn(self, at_most_seconds: float = PING_SECONDS) -> bool:
        """Does the next thing that is to do, waiting for it until the next deadline or for
        `at_most_seconds`; whether there was one. Raises Gone.
        """
        until_due = min(self._due.values()) - self._monotonic()
        item = self._outbox.take(max(0.0, min(until_due, at_most_seconds)))
        match item:
            case Said(what):
                self._take(what)
            case Lagged(stream):
                self._following.send_lagged(stream)
            case Replay(stream):
                self._send_page(stream)
            case list():
                self._following.send_live(item)
        self._keep_time()
        return item is not None

    def _keep_time(self) -> None:
        now = self._monotonic()
        for deed in [deed for deed, at in self._due.items() if at <= now and not self._ended]:
            del self._due[deed]
            deed()

    def _later(self, deed: Callable[[], None], seconds: float) -> None:
        self._due[deed] = self._monotonic() + seconds

    def _take(self, what: str | Gone | Closing) -> None:
        if isinstance(what, Gone):
            raise what
        if isinstance(what, Closing):
            self._end(what.code, "")
        else:
            self._answer(what)

    def _send_page(self, stream: Stream) -> None:
        if not self._following.send_page(self._caller(), stream):
            self._later(self._following.retry, RETRY_SECONDS)

    def _end(self, code: int, reason: str) -> None:
        self._ended = True
        self._wire.close(code, reason)

    # Deadlines

    def _ping(self) -> None:
        self._wire.ping()
        self._later(self._ping, PING_SECONDS)

    def _hear_silence(self) -> None:
        left = SILENCE_SECONDS - self._wire.silent_seconds()
        if left <= 0:
            self._end(GOING_AWAY, "No frame came for 60 seconds.")
        else:
            self._later(self._hear_silence, left)

    def _glance(self) -> None:
        """While the client takes nothing: is it worth waiting for? Raises Gone."""
        if self._outbox.is_closing() or self._is_revoked():
            raise Gone

    def _is_revoked(self) -> bool:
        # Nothing can be sent in the middle of a frame, so this only asks.
        if self._renew is None or self._due.get(self._recheck, math.inf) > self._monotonic():
            return False
        try:
            self._renew()
        except (Unauthenticated, Unavailable) as error:
            return isinstance(error, Unauthenticated)
        return False

    def _refuse(self) -> None:
        self._end(BAD_CREDENTIAL, "No credential was sent.")

    def _recheck(self) -> None:
        try:
            self._authenticate(self._renew)
        except Unavailable:
            self._later(self._recheck, RETRY_SECONDS)

    # Who it is

    def _authenticate(self, renew: Callable[[], Principal] | None) -> bool:
        if renew is None:
            return True
        try:
            who = renew()
        except Unauthenticated:
            self._end(BAD_CREDENTIAL, "The credential is not valid.")
            return False
        self._become(who, renew)
        return True

    def _become(self, who: Principal, renew: Callable[[], Principal]) -> None:
        # What it follows was granted to who it was.
        if self._who is not None and (self._who.org_id != who.org_id or not who.may("runs:read")):
            self._following.end_all()
        self._who, self._renew = who, renew
        self._due.pop(self._refuse, None)
        self._later(self._recheck, RECHECK_SECONDS)

    def _caller(self) -> Principal:
        if self._who is None:
            raise Unauthenticated("The first message must be auth.")
        return self._who

    def _tell_connected(self, message: Message | None) -> None:
        who = self._caller()
        told = {
            "connection_id": self._connection_id,
            "user": self._house.user(who),
            "organization_id": who.org_id,
        }
        self._wire.send(messages.tell("connected", message, **told))

    # What it asks

    def _answer(self, text: str) -> None:
        message = None
        try:
            message = messages.read(text)
            self._act(message)
        except StudioError as error:
            self._wire.send(messages.tell_error(error, message))

    def _act(self, message: Message) -> None:
        if message.type != "auth":
            self._check_scope(message.type)
        messages.check(message)
        match message.type:
            case "auth":
                self._auth(message)
            case "subscribe":
                self._following.begin(self._caller(), message)
            case "unsubscribe":
                self._unsubscribe(message)
            case "ping":
                self._wire.send(messages.tell("pong", message))
            case _:
                self._control(message)

    def _check_scope(self, kind: str) -> None:
        scope = _SCOPES.get(kind)
        if not (scope is None or self._caller().may(scope)):
            raise Forbidden(required_scope=scope)
        self._caller()

    def _auth(self, message: Message) -> None:
        if self._authenticate(partial(self._house.authenticate, message.members["token"])):
            self._tell_connected(message)

    def _control(self, message: Message) -> None:
        told = self._house.control(self._caller(), message.type, messages.fields(message))
        self._wire.send(messages.tell("control", message, **told))

    def _unsubscribe(self, message: Message) -> None:
        run_id = message.members["run_id"]
        self._following.end(run_id)
        self._wire.send(messages.tell("unsubscribed", message, run_id=run_id))
