"""Whether what was just started can serve: the port before, health and workers after."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from typing import Any

import redis
import urllib3

from app.cli.home import Refused
from app.cli.plan import Plan

_HEARTBEATS = "dramatiq:__heartbeats__"
_REFUSALS = {
    errno.EADDRINUSE: "is taken by another program: stop that one, or choose another port with"
    " --port",
    errno.EACCES: "may not be opened by this user: choose one above 1023 with --port",
}


def check_port(host: str, port: int) -> None:
    """Raises Refused when the address cannot be bound."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        why = _REFUSALS.get(error.errno or 0)
        if why is None:
            raise Refused(f"The address {host} cannot be bound: {error.strerror}.") from None
        raise Refused(f"Port {port} on {host} {why}.") from None


def health(url: str, seconds: float = 3.0) -> dict[str, str] | None:
    """What GET /health says, whatever its status; None when nothing understandable answers."""
    timeout = urllib3.Timeout(total=seconds)
    try:
        with urllib3.PoolManager(retries=False, timeout=timeout) as http:
            found = http.request("GET", f"{url}/health").json()
    except (urllib3.exceptions.HTTPError, ValueError):
        return None
    return found if isinstance(found, dict) and "status" in found else None


class Readiness:
    """Called until true: the web process is healthy and a worker listens at the broker."""

    def __init__(self, plan: Plan) -> None:
        self._url = plan.url
        url = plan.settings.broker_url or ""
        self._broker = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
        self._since_ms = int(time.time() * 1000)
        self._before = self._heard()
        self._worker = self._web = False

    def __call__(self) -> bool:
        self._worker = self._worker or bool(self._heard() - self._before)
        if not self._web:
            self._web = (health(self._url) or {}).get("status") == "healthy"
        return self._worker and self._web

    def _heard(self) -> set[Any]:
        """The broker processes that were heard of."""
        with contextlib.suppress(redis.RedisError):
            return set(self._broker.zrange(_HEARTBEATS, 0, -1))
        return set()
