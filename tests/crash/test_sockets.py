"""Watchers that are cut off, stall or are sent away: what they saw is the journal, byte by byte."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import threading
import time
import urllib.request
from dataclasses import replace

import pytest

from app.infra import broker, bus
from app.services.identity.apikeys import create_api_key
from app.services.pipelines.documents import create_pipeline
from app.services.runs.start import start_run
from tests.api.conftest import member
from tests.api.runs.web import record, web_process
from tests.conftest import cut_listeners, own_redis, wait_until
from tests.crash.conftest import kill_redis, redis_again
from tests.rawsocket import CLOSE, TEXT, RawSocket

STAGE = {"id": "a", "component_type": "logger", "config": {"message": "here"}}


class Watched:
    """A run that nobody works on; `tell` is what happens to it."""

    def __init__(self, who) -> None:
        create_pipeline(who, {"name": "watched", "stages": [STAGE]})
        self.who, self.id = who, start_run(who, "watched", {}).run["id"]
        self.key = create_api_key(who, name="watch", scopes=["runs:read", "runs:write"])["key"]
        self.head = 0

    def tell(self, times: int = 1, **data) -> None:
        record(self.who, self.id, times, **data)
        self.head += times

    def journal(self, port: int) -> list[bytes]:
        """The stored events as GET lists them, each as its bytes."""
        found: list[bytes] = []
        while True:
            path = f"/api/v1/runs/{self.id}/events?after_seq={len(found)}&limit=200"
            asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
            asked.add_header("X-API-Key", self.key)
            with urllib.request.urlopen(asked, timeout=30) as answer:
                body = answer.read()
            count = len(json.loads(body)["items"])
            if not count:
                return found
            # The items are cut out of the answer where each begins.
            items = body[body.index(b"[") + 1 : body.rindex(b"]")]
            found += [b'{"seq":' + rest.rstrip(b",") for rest in items.split(b'{"seq":')[1:]]
            assert len(found) % 200 == count % 200


@pytest.fixture
def watched(settings, org):
    broker.connect(settings.broker_url)
    return Watched(member(org))


class Watcher:
    """A client that keeps the events it got and goes on where it was."""

    def __init__(self, run: Watched, ports: list[int], seed: int) -> None:
        self.run, self.ports, self.random = run, ports, random.Random(seed)
        self.tape: list[bytes] = []
        self.codes: list[int] = []

    def connect(self, **options) -> RawSocket:
        """A socket on the first process that admits it, following from where the tape ends."""
        client = wait_until(lambda: self._admitted(options), 30)
        asked = {"type": "subscribe", "run_id": self.run.id, "after_seq": len(self.tape)}
        with contextlib.suppress(ConnectionError):
            client.say(json.dumps(asked))
        return client

    def _admitted(self, options) -> RawSocket | None:
        for port in self.ports:
            with contextlib.suppress(OSError, EOFError):
                return RawSocket(port, self.run.key, **options)
        return None

    def take(self, client: RawSocket) -> None:
        """Keeps what has come."""
        for kind, payload in client.frames():
            if kind == TEXT and payload.startswith(b'{"seq":'):
                self.tape.append(payload)
            elif kind == CLOSE:
                self.codes.append(struct.unpack("!H", payload[:2])[0])

    def is_cut(self) -> None:
        """Watches for a random number of bytes and hangs up, whatever is under way."""
        client = self.connect()
        client.sock.settimeout(0.05)
        left = self.random.choice([0, 1, 300, 2000, 9000])
        with contextlib.suppress(OSError, EOFError):
            while left > 0:
                left -= client.more(self.random.randint(1, 700))
        self.take(client)
        if self.random.random() < 0.3:
            with contextlib.suppress(OSError):
                client.sock.sendall(b"\x81\xfe\x01")  # the beginning of a message
        if self.random.random() < 0.5:  # a reset in place of an end
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def watch(self, is_over) -> None:
        """Watches, through whatever hang-ups, until `is_over()` when nothing is left to see."""
        while not self.is_done(is_over):
            client = self.connect()
            client.sock.settimeout(0.1)
            with contextlib.suppress(ConnectionError, EOFError):
                while not self.is_done(is_over):
                    with contextlib.suppress(TimeoutError):
                        client.more()
                    self.take(client)
            client.close()

    def is_done(self, is_over) -> bool:
        return is_over() and len(self.tape) >= self.run.head


@contextlib.contextmanager
def happening(run: Watched):
    """Events all the while."""
    done, failed = threading.Event(), []

    def tell():
        try:
            while not done.wait(0.02):
                run.tell(1, text="ä" * 100)
        except Exception as error:
            failed.append(error)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
    assert not failed


def all_do(watchers: list[Watcher], deed) -> None:
    """Each watcher does it in a thread of its own."""
    failed = []

    def do(watcher):
        try:
            deed(watcher)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=do, args=(watcher,)) for watcher in watchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]


def cut_often(watchers: list[Watcher], times: int, trouble) -> None:
    """Cuts each that often, with `trouble()` in the middle, then lets it see the end."""
    run = watchers[0].run
    with happening(run):
        for part in (lambda: None, trouble):
            all_do(watchers, lambda each: [each.is_cut() for _ in range(times // 2)])
            part()
    all_do(watchers, lambda each: each.watch(lambda: True))


def lose_redis() -> None:
    """Empties Redis and cuts whoever listens to it."""
    bus.client().flushdb()
    cut_listeners()


def test_thousand_disconnects_lose_and_repeat_nothing(settings, watched):
    with web_process(settings) as web:
        watchers = [Watcher(watched, [web.port], seed) for seed in range(10)]

        cut_often(watchers, 100, lose_redis)

        journal = watched.journal(web.port)
        assert len(journal) == watched.head
        assert [watcher.tape == journal for watcher in watchers] == [True] * 10


def test_disconnects_while_redis_is_dead_lose_and_repeat_nothing(settings, watched):
    with own_redis() as url, contextlib.ExitStack() as again:
        bus.connect(url)
        with web_process(replace(settings, redis_url=url)) as web:
            watchers = [Watcher(watched, [web.port], seed) for seed in range(5)]

            def kill():
                kill_redis(url)
                all_do(watchers, lambda each: [each.is_cut() for _ in range(3)])
                again.enter_context(redis_again(url))

            cut_often(watchers, 20, kill)

            journal = watched.journal(web.port)
            assert len(journal) == watched.head
            assert [watcher.tape == journal for watcher in watchers] == [True] * 5


def test_stalled_client_lags_alone_and_loses_nothing(settings, watched):
    with web_process(settings) as web:
        slow, fast = (Watcher(watched, [web.port], seed) for seed in (1, 2))
        stalled, told = slow.connect(received_bytes=4096), threading.Event()
        reading = threading.Thread(target=fast.watch, args=(told.is_set,))
        reading.start()
        for _ in range(34):
            watched.tell(50, text="x" * 8000)
            # Nobody waits for the stalled one.
            wait_until(lambda: len(fast.tape) == watched.head, 30)
        told.set()
        reading.join()

        lagged = None
        while lagged is None:
            stalled.more()
            for kind, payload in stalled.frames():
                if kind == TEXT and payload.startswith(b'{"seq":'):
                    slow.tape.append(payload)
                elif b'"lagged"' in payload:
                    lagged = json.loads(payload)
        assert lagged["last_seq"] == len(slow.tape) < 1700 - 1000 + 50
        slow.watch(lambda: True)
        stalled.close()

        assert slow.tape == fast.tape == watched.journal(web.port)


def test_deploy_under_load_sends_watchers_to_the_other_process(settings, watched):
    with web_process(settings) as first, web_process(settings) as second:
        watchers = [Watcher(watched, [first.port, second.port], seed) for seed in range(20)]
        asking = socket.create_connection(("127.0.0.1", first.port))
        body = json.dumps({"pipeline_id": "watched"}).encode()
        head = ["POST /api/v1/runs HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        head += [f"X-API-Key: {watched.key}", f"Content-Length: {len(body)}", "", ""]
        asking.sendall("\r\n".join(head).encode() + body[:5])
        stalled = watchers[0].connect(received_bytes=4096)
        over = threading.Event()

        with happening(watched):
            following = threading.Thread(
                target=all_do, args=(watchers[1:], lambda each: each.watch(over.is_set))
            )
            following.start()
            wait_until(lambda: all(len(each.tape) > 20 for each in watchers[1:]), 30)

            asked_at = time.monotonic()
            leaving = threading.Thread(target=first.stop)
            leaving.start()
            wait_until(lambda: any(each.codes for each in watchers[1:]), 30)
            asking.sendall(body[5:])
            assert asking.recv(65536).startswith(b"HTTP/1.1 202")
            asking.close()
            leaving.join()
            took = time.monotonic() - asked_at
        over.set()
        following.join()
        stalled.close()

        assert first.process.returncode == 0
        assert took < 20  # the graceful time is 25
        assert set().union(*(each.codes for each in watchers)) == {1001}
        journal = watched.journal(second.port)
        assert [each.tape == journal for each in watchers[1:]] == [True] * 19
