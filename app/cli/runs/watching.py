"""Watching one run to its end, and telling how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console

from app.cli.client import Client
from app.cli.exits import INTERRUPTED
from app.cli.output import note, one_line, print_json
from app.cli.runs import live
from app.cli.runs.following import Event, Follower, StillRunning
from app.cli.runs.telling import line, told_error

Run = dict[str, Any]


def watch_to_the_end(client: Client, accepted: Run, timeout_seconds: float | None) -> Run:
    """Shows what happens on standard error; the run when it has ended.

    Ctrl-C ends the command, not the run. Raises StillRunning, Unreachable.
    """
    note(f"Run {accepted['id']} is accepted.")
    follower = Follower(client, accepted["id"], timeout_seconds, lost=_tell_lost)
    try:
        _show(follower, accepted["pipeline_name"])
        return follower.run()
    except StillRunning as late:
        raise StillRunning(f"{late} {how_to_look(client, accepted)}") from None
    except KeyboardInterrupt:
        note(f"\nThe run goes on. {how_to_look(client, accepted)}")
        click.get_current_context().exit(INTERRUPTED)


def _show(events: Iterable[Event], title: str) -> None:
    console = Console(stderr=True, highlight=False)
    if console.is_interactive:
        live.show(events, title, console)
        return
    for event in events:
        if told := line(event):
            note(told)


def _tell_lost() -> None:
    note("Studio does not answer any more; it is asked again for 30 s.")


def how_to_look(client: Client, run: Run) -> str:
    """How to see later what became of a run."""
    return f"Look at it: {client.curl('/api/v1/runs/' + run['id'])}"


def tell_accepted(accepted: Run, as_json: bool) -> None:
    """A run that nobody waits for, on standard output."""
    if as_json:
        print_json(_result(accepted))
    else:
        click.echo(accepted["id"])


def tell_result(ended: Run, as_json: bool) -> None:
    """How a run ended: its result on standard output, anything else on standard error."""
    if ended["status"] == "failed":
        stage = (ended["error"] or {}).get("stage_id")
        at = f" at stage {stage}" if stage else ""
        note(one_line(f"The run failed{at}: {told_error(ended['error'])}"))
    elif ended["status"] == "cancelled":
        note("The run was cancelled.")
    if as_json:
        print_json(_result(ended))
    elif ended["status"] == "completed":
        print_json(ended["output"])


def _result(run: Run) -> dict[str, Any]:
    named = ("run_id", "pipeline_id", "pipeline_name", "pipeline_version", "status")
    return {
        **{name: run[name] for name in named},
        "result": run["output"],
        "error": run["error"],
        "duration_ms": run["duration_ms"],
    }
