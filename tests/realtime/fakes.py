"""A client, a house and a hub of paper, so that a session can be driven step by step."""

from __future__ import annotations

import json
from collections import defaultdict

from app.core.errors import IllegalMove, NotFound, Unauthenticated, Unavailable
from app.core.principal import Principal
from app.realtime.outbox import Live
from app.realtime.ports import Gone
from app.realtime.session import Session


def caller(*scopes: str, org: str = "org-a") -> Principal:
    """Somebody with these scopes."""
    return Principal(org, frozenset(scopes or {"runs:read"}), "api_key", user_id="usr-a")


def event(run_id: str, seq: int | None) -> dict:
    """An event as the journal tells it; a token chunk when `seq` is None."""
    kind = "token_chunk" if seq is None else "stage_started"
    return {"seq": seq, "type": kind, "run_id": run_id}


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Tape:
    """The client's end: everything it was sent, and how it was closed."""

    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.closed: tuple[int, str] | None = None
        self.pings = 0
        self.silent = 0.0
        self.gone = False

    def send(self, text: str) -> None:
        if self.gone:
            raise Gone
        self.sent.append(json.loads(text))

    def send_live(self, events) -> None:
        for event in events:
            self.send(event.text)

    def ping(self) -> None:
        self.pings += 1

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def silent_seconds(self) -> float:
        return self.silent

    def watch_stalls(self, glance) -> None:
        self.glance = glance

    def seqs(self, run_id: str = "run-1") -> list[int]:
        return [told["seq"] for told in self.sent if told.get("seq") and told["run_id"] == run_id]

    def types(self) -> list[str]:
        return [told["type"] for told in self.sent]

    def last(self) -> dict:
        return self.sent[-1]


class House:
    """Journals in memory; `good` are the tokens that are valid."""

    def __init__(self) -> None:
        self.heads: dict[str, int] = {"run-1": 0}
        self.status = "running"
        self.good: dict[str, Principal] = {"good": caller()}
        self.away = False
        self.pages: list[int] = []
        self.commands: list[tuple[str, dict]] = []

    def authenticate(self, token: str) -> Principal:
        self._answer()
        if token not in self.good:
            raise Unauthenticated
        return self.good[token]

    def user(self, who: Principal) -> dict | None:
        return {"id": who.user_id, "name": "A"}

    def control(self, who: Principal, command: str, fields: dict) -> dict:
        self._answer()
        if fields["run_id"] not in self.heads:
            raise NotFound
        if self.status != "running":
            raise IllegalMove(f"A {self.status} run cannot become cancelled.")
        self.commands.append((command, fields))
        return {"run_id": fields["run_id"], "status": self.status, "mode": "stopped"}

    def find(self, who: Principal, run_id: str) -> dict:
        self._answer()
        if run_id not in self.heads:
            raise NotFound
        return {"status": self.status, "last_seq": self.heads[run_id]}

    def since(self, who: Principal, run_id: str, after_seq: int, limit: int) -> list[dict]:
        self._answer()
        seqs = range(after_seq + 1, self.heads[run_id] + 1)[:limit]
        self.pages.append(len(seqs))
        return [event(run_id, seq) for seq in seqs]

    def _answer(self) -> None:
        if self.away:
            raise Unavailable


class Hub:
    """Sends to whoever joined when it is told to."""

    def __init__(self) -> None:
        self.joined: dict[str, list] = defaultdict(list)
        self.sockets: list = []

    def register(self, socket) -> None:
        self.sockets.append(socket)

    def unregister(self, socket) -> None:
        self.sockets.remove(socket)

    def join(self, run_id, listener) -> None:
        if listener not in self.joined[run_id]:
            self.joined[run_id].append(listener)

    def leave(self, run_id, listener) -> None:
        self.joined[run_id].remove(listener)

    def publish(self, run_id: str, seq: int | None) -> None:
        text = json.dumps(event(run_id, seq))
        for listener in self.joined[run_id]:
            listener.event(Live(run_id, seq, text))

    def nudge(self, run_id: str, head: int) -> None:
        for listener in self.joined[run_id]:
            listener.nudge(run_id, head)


class Talk:
    """A session with its paper surroundings."""

    def __init__(self, who: Principal | None = None, renew=None) -> None:
        self.tape, self.house, self.hub, self.clock = Tape(), House(), Hub(), Clock()
        self.session = Session(self.tape, self.house, self.hub, who, renew, self.clock)

    def say(self, **message) -> dict:
        """Says something and answers what the client was told last."""
        self.ask(**message)
        self.settle()
        return self.tape.last()

    def ask(self, **message) -> None:
        """Says something; nothing is done about it yet."""
        self.session.hear(json.dumps(message))

    def subscribe(self, run_id: str = "run-1", **fields) -> dict:
        return self.say(type="subscribe", run_id=run_id, **fields)

    def happen(self, run_id: str = "run-1", times: int = 1) -> None:
        """Events are stored, and nobody hears of it."""
        self.house.heads[run_id] = self.house.heads.get(run_id, 0) + times

    def settle(self) -> None:
        """Has the session do all that is to do now."""
        while self.session.turn(0):
            pass

    def pass_time(self, seconds: float) -> None:
        """Lets time pass, with the session awake each second."""
        for _ in range(int(seconds)):
            self.clock.at += 1
            if self.tape.closed is None:
                self.session.turn(0)
