"""A server whose answers a case writes down.

A script is a list of `{"on": "GET /path", "say": [...]}`; with `"key"` it answers only requests of
that Idempotency-Key. The first that fits a request answers, with one thing after the other, and
with the last for ever. What can be said:

    200                                        a status
    {"status": 200, "json": {...}}             and a body; also "text" and "headers"
    {"status": 200, "after_ms": 300}           after a while
    "hang up"                                  nothing: the connection ends
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from app.core import wire
from tests.loopback import Heard, Server, answer, serving


@contextlib.contextmanager
def scripted(script: Sequence[dict[str, Any]]) -> Iterator[Server]:
    """A server that follows the script; what it does not know it answers with 404."""
    parts, lock = [_Part(**part) for part in script], threading.Lock()

    def say(heard: Heard) -> Iterator[bytes]:
        with lock:
            said = next((part.next() for part in parts if part.fits(heard)), 404)
        return _spoken(said)

    with serving(say) as server:
        yield server


class _Part:
    """What the script has to say to some requests."""

    def __init__(self, on: str, say: Sequence[Any], key: str | None = None) -> None:
        self.on = on
        self.key = key
        self.left = list(say)

    def fits(self, heard: Heard) -> bool:
        """Whether it answers this request."""
        return self.on == f"{heard.method} {heard.target}" and self.key in (None, key_of(heard))

    def next(self) -> Any:
        """What it says now."""
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def _spoken(said: Any) -> Iterator[bytes]:
    if said == "hang up":
        raise EOFError
    if isinstance(said, int):
        said = {"status": said}
    time.sleep(said.get("after_ms", 0) / 1000)
    headers = list(said.get("headers", {}).items())
    body = said.get("text", "").encode()
    if "json" in said:
        body = wire.dumps_bytes(said["json"])
        headers.append(("Content-Type", "application/json"))
    yield answer(body, said["status"], headers)


def key_of(heard: Heard) -> str | None:
    """The Idempotency-Key of a request, `RUN` in place of the run's id."""
    key = heard.headers.get("idempotency-key")
    run, slash, rest = (key or "").partition("/")
    return f"RUN/{rest}" if slash and run.startswith("run-") else key


def told(heard: Heard) -> str:
    """A request as a case writes it down: method, target, and its key."""
    key = key_of(heard)
    return f"{heard.method} {heard.target}" + (f" key {key}" if key else "")
