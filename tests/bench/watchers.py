"""Many clients that watch one run, in a process of their own: from publish to receipt."""

from __future__ import annotations

import json
import selectors
import sys
import time

from tests.rawsocket import TEXT, RawSocket

_MARK = b'"sent":'


def main() -> None:
    """`python -m tests.bench.watchers PORT KEY RUN COUNT`; reads the last seq from stdin.

    Says `ready` when all are subscribed, then the milliseconds of every delivery as JSON.
    """
    port, key, run_id, count = sys.argv[1:]
    clients = [_subscribed(int(port), key, run_id) for _ in range(int(count))]
    print("ready", flush=True)
    last = int(sys.stdin.readline())
    print(json.dumps(_listen(clients, last)), flush=True)


def _subscribed(port: int, key: str, run_id: str) -> RawSocket:
    client = RawSocket(port, key)
    client.say(json.dumps({"type": "subscribe", "run_id": run_id}))
    heard = b""
    while b'"subscribed"' not in heard:
        heard += b"".join(payload for _, payload in client.next_frames())
    return client


def _listen(clients: list[RawSocket], last: int) -> list[float]:
    """Milliseconds of each delivery, until every client has `last`, or nothing came for 5 s."""
    lags: list[float] = []
    end = b'{"seq":%d,' % last
    with selectors.DefaultSelector() as ready:
        for client in clients:
            ready.register(client.sock, selectors.EVENT_READ, client)
        while ready.get_map() and (found := ready.select(5)):
            for key, _ in found:
                key.data.more()
                now = time.time()
                for kind, payload in key.data.frames():
                    at = payload.find(_MARK)
                    if kind == TEXT and at > 0:
                        lags.append((now - float(payload[at + 7 : payload.index(b",", at)])) * 1000)
                    if payload.startswith(end):
                        ready.unregister(key.fileobj)
    return lags


if __name__ == "__main__":
    main()
