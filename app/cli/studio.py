"""`fm studio start|stop|restart|status`, and `run_server`."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from signal import SIGKILL, SIGTERM
from typing import Any

import click

import config
import config.logging
from app.cli.home import Home, Refused, Running
from app.cli.process import is_alive, kill_group, signal_process, wait_gone
from app.cli.readiness import health
from config import BadSettings, Settings

log = logging.getLogger(__name__)

_DEFAULT_WORKERS = 2
_STOP_SECONDS = 75.0


@click.group()
def studio() -> None:
    """Start, stop and look after Studio on this machine."""


@studio.command()
@click.option("--host", help="Address to bind; 127.0.0.1 unless FLOWMASON_HOST says otherwise.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; 8999 unless FLOWMASON_PORT.")
@click.option("--workers", type=click.IntRange(1, 64), default=_DEFAULT_WORKERS, show_default=True)
@click.option("--foreground", is_flag=True, help="Stay, and log to standard error.")
def start(host: str | None, port: int | None, workers: int, foreground: bool) -> None:
    """Start Studio and wait until it is ready."""
    _start(config.load(host=host, port=port), workers, foreground)


@studio.command()
def stop() -> None:
    """Stop Studio; what runs is handed back and goes on after the next start."""
    click.echo(_stop(_home()))


@studio.command()
def restart() -> None:
    """Stop and start with the same host, port and workers."""
    home = _home()
    before = home.running()
    click.echo(_stop(home))
    if before is None:
        _start(config.load(), _DEFAULT_WORKERS, foreground=False)
    else:
        _start(config.load(host=before.host, port=before.port), before.workers, foreground=False)


@studio.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(as_json: bool) -> None:
    """Say how Studio is. Exit 0: healthy, 1: unhealthy, 3: not running."""
    running = _home().running()
    if running is None:
        found: dict[str, Any] = dict.fromkeys(("status", "url", "version", "pid"))
        found["status"] = "stopped"
    else:
        found = _condition(running)
    click.echo(json.dumps(found) if as_json else _line(found))
    sys.exit({"healthy": 0, "unhealthy": 1, "stopped": 3}[found["status"]])


def _condition(running: Running) -> dict[str, Any]:
    answer = health(running.url) or {}
    well = answer.get("status") == "healthy"
    return {
        "status": "healthy" if well else "unhealthy",
        "url": running.url,
        "version": answer.get("version"),
        "pid": running.pid,
    }


def _line(found: dict[str, Any]) -> str:
    if found["status"] == "stopped":
        return "Studio is not running."
    return f"Studio is {found['status']} at {found['url']} (process {found['pid']})."


def _home() -> Home:
    return Home(config.load().home)


def _start(settings: Settings, workers: int, foreground: bool) -> None:
    home = Home(settings.home)
    home.prepare()
    if (running := home.running()) is not None:
        raise Refused(f"Studio already runs at {running.url} (process {running.pid}).")
    if foreground:
        _supervise(settings, home, workers, logs=False, ready=_announce)
    else:
        _announce(_start_behind(settings, home, workers))


def _announce(url: str) -> None:
    click.echo(f"FlowMason Studio is ready at {url}")


def _start_behind(settings: Settings, home: Home, workers: int) -> str:
    """Leaves a supervisor behind; returns the URL once all is ready. Raises Refused."""
    hear, tell = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork() == 0:
        os.close(hear)
        _be_supervisor(settings, home, workers, tell)
    os.close(tell)
    with os.fdopen(hear) as news:
        verdict, _, text = news.read().partition(" ")
    if verdict == "ready":
        return text
    raise Refused(text or f"Studio ended while starting: see {home.log_file('studio')}.")


def _be_supervisor(settings: Settings, home: Home, workers: int, tell: int) -> None:
    """The life of the process left behind; never returns."""
    code = 1
    try:
        _detach(home)
        _supervise(settings, home, workers, logs=True, ready=lambda url: _say(tell, f"ready {url}"))
        code = 0
    except (Refused, BadSettings) as refused:
        _say(tell, f"refused {refused}")
    except BaseException:
        log.exception("the supervisor broke", extra={"action": "supervisor_broke"})
    finally:
        os._exit(code)


def _detach(home: Home) -> None:
    """Leaves the terminal; standard output and error go to the log."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(home.log_file("studio"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)


def _say(pipe: int, text: str) -> None:
    """The one message to who waits at the other end of the pipe."""
    try:
        os.write(pipe, text.encode())
    except BrokenPipeError:
        return  # nobody waits any more
    finally:
        os.close(pipe)


def _supervise(
    settings: Settings, home: Home, workers: int, *, logs: bool, ready: Callable[[str], None]
) -> None:
    """Runs Studio until a signal. Raises Refused or BadSettings when it does not start."""
    from app.cli.plan import plan
    from app.cli.signals import Signals
    from app.cli.supervisor import Supervisor

    config.logging.configure(settings)
    lock = home.lock()
    if lock is None:
        raise Refused("Another Studio is just starting or stopping in this folder.")
    try:
        chosen = plan(settings, home, workers)
        with Signals() as signals:
            Supervisor(chosen, home, signals, logs=logs).run(lambda: ready(chosen.url))
    finally:
        home.forget()
        os.close(lock)


def _stop(home: Home) -> str:
    """Ends what runs from this folder; returns what to say. Raises Refused when it cannot."""
    found = home.read()
    if found is None:
        return "Studio is not running."
    if not found.is_alive:
        return _clear(home, found)
    signal_process(found.pid, SIGTERM)
    if not wait_gone(found.pid, found.birth, _STOP_SECONDS):
        signal_process(found.pid, SIGKILL)
        _clear(home, found)
        return "Studio did not end in time and was killed."
    return "Studio is stopped."


def _clear(home: Home, found: Running) -> str:
    """Removes what a supervisor left that ended without its own clearing."""
    from app.infra import embedded

    for pid, birth in found.children.values():
        if is_alive(pid, birth):
            kill_group(pid)
    embedded.clean(embedded.place(home.folder))
    home.forget()
    return "Studio was not running; what was left of it is removed."


def run_in_foreground(host: str, port: int) -> None:
    """`run_server`: starts Studio and blocks. Raises SystemExit(1) when the start is refused."""
    try:
        _start(config.load(host=host, port=port), _DEFAULT_WORKERS, foreground=True)
    except (Refused, BadSettings) as refused:
        sys.exit(f"fm: {refused}")
