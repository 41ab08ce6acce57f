"""`fm logs`: what the stages of a run logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from app.cli.client import Client
from app.cli.exits import INTERRUPTED, OF_RUNS, exiting
from app.cli.options import as_json_lines, reaches_studio
from app.cli.output import note, print_json_line
from app.cli.runs.following import Follower
from app.cli.runs.logbook import LEVELS, Logbook, line
from app.cli.runs.naming import find_run_id, known, run_name

Print = Callable[[Iterable[dict[str, Any]]], None]


@click.command()
@run_name
@click.option("--stage", "stage_id", metavar="STAGE", help="Only this stage, all its iterations.")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default=LEVELS[0],
    show_default=True,
    help="Only what is at least so urgent.",
)
@click.option("--follow", is_flag=True, help="Go on until the run ends.")
@as_json_lines
@exiting(OF_RUNS)
@reaches_studio
def logs(
    client: Client,
    name: str,
    stage_id: str | None,
    level: str,
    follow: bool,
    as_json_lines: bool,
) -> None:
    """Print what the stages of a run logged, oldest first; `last` is the newest run.

    A line tells the time, the level, the stage with its place in loops, the message and its data.
    A stage's log is there when the stage has ended. With --json each entry is a line of JSON.

    Exit 0: printed, 2: usage, or there is no such run, 4: no Studio answers, 130: Ctrl-C.
    """
    run_id = find_run_id(client, name)
    logbook = Logbook(client, run_id, stage_id, level)
    show = _print_json if as_json_lines else _print_lines
    with known("run", run_id):
        if follow:
            _follow(client, logbook, show)
        else:
            show(logbook.everything())


def _follow(client: Client, logbook: Logbook, show: Print) -> None:
    try:
        for event in Follower(client, logbook.run_id, caught_up=lambda: show(logbook.news())):
            logbook.take(event)
        show(logbook.rest())
    except KeyboardInterrupt:
        note("\nThe run goes on.")
        click.get_current_context().exit(INTERRUPTED)


def _print_lines(entries: Iterable[dict[str, Any]]) -> None:
    for entry in entries:
        click.echo(line(entry))


def _print_json(entries: Iterable[dict[str, Any]]) -> None:
    for entry in entries:
        print_json_line(entry)
