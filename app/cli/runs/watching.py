"""Watching one run to its end, and telling how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from rich.console import Console

from app.cli.client import Client
from app.cli.exits import INTERRUPTED
from app.cli.output import note, one_line, print_json, print_json_line
from app.cli.runs import live
from app.cli.runs.following import Event, Follower, StillRunning
from app.cli.runs.shape import shape_of
from app.cli.runs.telling import line, told_error

Run = dict[str, Any]
Show = Callable[[Iterable[Event]], None]


def watch_to_the_end(
    client: Client,
    run: Run,
    show: Show,
    *,
    timeout_seconds: float | None = None,
    after_seq: int = 0,
) -> Run:
    """Hands the events of a run to `show` until the last; the run when it has ended.

    Ctrl-C ends the command, not the run. Raises StillRunning, Unreachable.
    """
    follower = Follower(client, run["id"], timeout_seconds, tell_lost, after_seq)
    try:
        show(follower)
        return follower.run()
    except StillRunning as late:
        raise StillRunning(f"{late} {how_to_look(run)}") from None
    except KeyboardInterrupt:
        note(f"\nThe run goes on. {how_to_look(run)}")
        click.get_current_context().exit(INTERRUPTED)


def for_a_person(client: Client, run: Run) -> Show:
    """Shows events on standard error: in place on a terminal, elsewhere as lines."""
    console = Console(stderr=True, highlight=False)
    if not console.is_interactive:
        return as_lines
    return lambda events: live.show(events, run["pipeline_name"], console, shape_of(client, run))


def as_lines(events: Iterable[Event]) -> None:
    """A line for each event on standard error."""
    for event in events:
        if told := line(event):
            note(told)


def as_json_lines(events: Iterable[Event]) -> None:
    """Each event as it is, a line of JSON on standard output."""
    for event in events:
        print_json_line(event)


def tell_lost() -> None:
    """That Studio went away, while it is waited for."""
    note("Studio does not answer any more; it is asked again for 30 s.")


def how_to_look(run: Run) -> str:
    """How to see later what became of a run."""
    return f"Look at it: fm watch {run['id']}"


def tell_accepted(accepted: Run, as_json: bool) -> None:
    """A run that nobody waits for, on standard output."""
    if as_json:
        print_json(_result(accepted))
    else:
        click.echo(accepted["id"])


def tell_result(ended: Run, as_json: bool) -> None:
    """How a run ended: its result on standard output, anything else on standard error."""
    tell_misfortune(ended)
    if as_json:
        print_json(_result(ended))
    elif ended["status"] == "completed":
        print_json(ended["output"])


def tell_misfortune(ended: Run) -> None:
    """Why a run has no output, on standard error; nothing when it has one."""
    if ended["status"] == "failed":
        stage = (ended["error"] or {}).get("stage_id")
        at = f" at stage {stage}" if stage else ""
        note(one_line(f"The run failed{at}: {told_error(ended['error'])}"))
    elif ended["status"] == "cancelled":
        note("The run was cancelled.")


def _result(run: Run) -> dict[str, Any]:
    named = ("run_id", "pipeline_id", "pipeline_name", "pipeline_version", "status")
    return {
        **{name: run[name] for name in named},
        "result": run["output"],
        "error": run["error"],
        "duration_ms": run["duration_ms"],
    }
