"""FLOWMASON_HOME: keys made once, logs, and the record of the Studio that runs from here."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.cli.process import is_alive

_LARGEST_LOG_BYTES = 10_000_000


class Refused(Exception):
    """The command cannot be done; the text is a sentence for the person who typed it.

    `exit_code` is what the command tells the script that called it.
    """

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Running:
    """A supervisor and its children: pid and birth of each, and how it was started."""

    pid: int
    birth: str
    url: str
    host: str
    port: int
    workers: int
    children: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        """Whether the supervisor itself still runs."""
        return is_alive(self.pid, self.birth)

    def orphans(self) -> list[tuple[int, str]]:
        """Children that outlived their supervisor."""
        if self.is_alive:
            return []
        return [(pid, birth) for pid, birth in self.children.values() if is_alive(pid, birth)]


class Home:
    """The folder of local state. Only its owner may look inside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.record = self.folder / "studio.json"
        self.lock_file = self.folder / "studio.lock"

    def prepare(self) -> None:
        """Makes the folders. Raises Refused when they cannot be made or written."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / "logs").mkdir(exist_ok=True)
            probe = self.folder / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise Refused(
                f"The folder {self.folder} cannot be written: {error.strerror}. Set"
                " FLOWMASON_HOME to one that can."
            ) from None

    def log_file(self, name: str) -> Path:
        """The log of one process; a large one is put aside first."""
        path = self.folder / "logs" / f"{name}.log"
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size > _LARGEST_LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))
        return path

    def lock(self) -> int | None:
        """Takes the right to be the Studio of this folder; None when another has it."""
        handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(self.lock_file).st_ino == os.fstat(handle).st_ino:
                return handle
        except (BlockingIOError, FileNotFoundError):
            pass  # another Studio has it, or is just removing it
        os.close(handle)
        return None

    def write(self, running: Running) -> None:
        """Records who runs here."""
        fresh = self.record.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(running)))
        fresh.replace(self.record)

    def read(self) -> Running | None:
        """Who ran here last, alive or not; None when nobody is recorded."""
        try:
            members = json.loads(self.record.read_text())
            members["children"] = {
                name: (pid, birth) for name, (pid, birth) in members["children"].items()
            }
            return Running(**members)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None  # cut short by a crash: nothing can be known from it

    def running(self) -> Running | None:
        """Who runs here now."""
        found = self.read()
        return found if found and found.is_alive else None

    def forget(self) -> None:
        """Removes the record and the lock; only for who holds the lock."""
        self.record.unlink(missing_ok=True)
        self.lock_file.unlink(missing_ok=True)

    def secret_key(self) -> str:
        """The signing key of this folder, made when first asked for."""
        return self._secret("secret_key", lambda: secrets.token_urlsafe(48))

    def vault_key(self) -> str:
        """The Fernet key of this folder, made when first asked for."""
        return self._secret(
            "vault_key", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        )

    def _secret(self, name: str, make: Callable[[], str]) -> str:
        path = self.folder / name
        if not path.exists():
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(make())
                file.flush()
                os.fsync(handle)
            fresh.replace(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Refused(f"The key file {path} can be read by others: run chmod 600 on it.")
        return path.read_text().strip()
