"""The process that `fm studio start` leaves behind: it starts the others and keeps them running.

Order of start: Redis-protocol server, migrations, web, worker, courier, scheduler. Of stop: those
who take work in, those who do it, the server. Only one thread, for its children die with it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from signal import SIGTERM
from typing import IO

import migrations
from app.cli.children import Child
from app.cli.home import Home, Refused, Running
from app.cli.plan import CODE, Plan
from app.cli.process import born, dies_with_parent, kill_group, signal_process, wait_gone
from app.cli.readiness import Readiness, check_port
from app.cli.signals import Signals
from app.infra import database, embedded

log = logging.getLogger(__name__)

REDIS = "redis"
#: Who ends together, and after how many seconds who has not ended is killed.
_ENDS = (
    (("web", "scheduler"), 28.0),
    (("courier", "worker"), 25.0),
    ((REDIS,), 10.0),
)
_READY_SECONDS = 60.0
_READY_POLL_SECONDS = 0.05
_WATCH_SECONDS = 1.0
_ORPHAN_SECONDS = 25.0


class Supervisor:
    """Runs one plan. `logs`: a file for each child, else all write to standard error."""

    def __init__(self, plan: Plan, home: Home, signals: Signals, *, logs: bool) -> None:
        self.plan = plan
        self.home = home
        self.signals = signals
        self.logs = logs
        self.children: dict[str, Child] = {}
        self.place = embedded.place(home.folder)

    def run(self, ready: Callable[[], None]) -> None:
        """Starts all, calls `ready`, keeps all running until a signal comes, and ends all.

        The lock of the home folder must be held. Raises Refused when the start fails; nothing
        is left running then.
        """
        try:
            self._start()
            if not self.signals.asked:
                ready()
            while not self.signals.asked:
                self._revive()
                self.signals.wait(_WATCH_SECONDS)
        finally:
            self._end()

    def _start(self) -> None:
        self._end_orphans()
        check_port(self.plan.settings.host, self.plan.settings.port)
        self._record()
        if self.plan.embedded:
            self._start_redis()
        self._migrate()
        readiness = Readiness(self.plan)
        for name, command in self.plan.commands().items():
            self._add(name, partial(self._spawn, name, command))
        self._wait_until(readiness)

    def _end_orphans(self) -> None:
        """Ends what a supervisor that was killed left behind."""
        before = self.home.read()
        orphans = before.orphans() if before else []
        for pid, _ in orphans:
            log.warning("ending an orphan", extra={"action": "orphan_ended", "child_pid": pid})
            signal_process(pid, SIGTERM)
        for pid, birth in orphans:
            wait_gone(pid, birth, _ORPHAN_SECONDS)
            kill_group(pid)

    def _start_redis(self) -> None:
        try:
            self._add(REDIS, self._spawn_redis)
            embedded.wait_ready(self.place, self.children[REDIS].process)
        except embedded.EmbeddedUnavailable as unavailable:
            raise Refused(str(unavailable)) from None

    def _migrate(self) -> None:
        try:
            applied = migrations.up(self.plan.settings.database_url)
        except migrations.CannotMigrate as error:
            raise Refused(f"The database cannot be used: {error}") from None
        log.info("schema is current", extra={"action": "migrated", "applied": applied})

    def _add(self, name: str, spawn: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.children[name] = Child(name, spawn)
        self.children[name].start()
        self._record()

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log(name) as log_file:
            return subprocess.Popen(  # noqa: S603 our own commands, no shell
                command,
                cwd=CODE,
                env=self.plan.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                preexec_fn=dies_with_parent(),
                process_group=0,  # a terminal's Ctrl-C is for the supervisor alone
            )

    def _spawn_redis(self) -> subprocess.Popen[bytes]:
        with self._log(REDIS) as log_file:
            return embedded.start(self.place, log_file, dies_with_parent())

    def _log(self, name: str) -> IO[bytes]:
        if self.logs:
            return self.home.log_file(name).open("ab")
        return os.fdopen(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2), "ab")

    def _record(self) -> None:
        """Writes down who runs, so that a later command finds each of them."""
        settings = self.plan.settings
        self.home.write(
            Running(
                pid=os.getpid(),
                birth=born(os.getpid()) or "",
                url=self.plan.url,
                host=settings.host,
                port=settings.port,
                workers=self.plan.workers,
                children={name: child.identity() for name, child in self.children.items()},
            )
        )

    def _wait_until(self, ready: Readiness) -> None:
        give_up_at = time.monotonic() + _READY_SECONDS
        while not self.signals.asked and not ready():
            for child in self.children.values():
                if not child.is_alive:
                    raise Refused(f"The {child.name} process ended while starting{self._see()}.")
            if time.monotonic() > give_up_at:
                raise Refused(f"Studio is not ready after {_READY_SECONDS:.0f} s{self._see()}.")
            self.signals.wait(_READY_POLL_SECONDS)

    def _see(self) -> str:
        return f": see {self.home.folder / 'logs'}" if self.logs else ""

    def _revive(self) -> None:
        # A list on purpose: each of them is looked at, not only up to the first that died.
        if any([child.revive(time.monotonic()) for child in self.children.values()]):
            self._record()

    def _end(self) -> None:
        for names, seconds in _ENDS:
            self._end_together(
                [self.children[name] for name in names if name in self.children], seconds
            )
        if self.plan.embedded:
            embedded.clean(self.place)
        database.fold(self.plan.settings.database_url)
        log.info("all ended", extra={"action": "stopped"})

    def _end_together(self, children: list[Child], seconds: float) -> None:
        for child in children:
            child.ask_to_end()
        give_up_at = time.monotonic() + seconds
        # A second signal means: at once.
        while any(child.is_alive for child in children) and self.signals.asked < 2:
            if time.monotonic() > give_up_at:
                break
            self.signals.wait(_READY_POLL_SECONDS)
        for child in children:
            child.end()
