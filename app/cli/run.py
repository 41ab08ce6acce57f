"""`fm run`: starts a pipeline, or a file's, and watches it to its end."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from app.cli.client import Client
from app.cli.deploy import check_by_studio
from app.cli.exits import EXITS, OF_RUNS, REFUSED, exiting
from app.cli.files import report
from app.cli.files.saving import NotSaved, save_all, told
from app.cli.options import as_json, reaches_studio, takes_input
from app.cli.output import note, one_line
from app.cli.runs.watching import (
    for_a_person,
    how_to_look,
    tell_accepted,
    tell_result,
    watch_to_the_end,
)
from app.core.wire import JSON


@click.command()
@click.argument("what", metavar="FILE|NAME[@VERSION]")
@takes_input
@click.option(
    "--watch/--no-watch",
    default=None,
    help="Wait for the end and show what happens. Default: on a terminal, and with --timeout.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="Watch for so long at most; the run goes on.",
)
@as_json
@exiting(OF_RUNS)
@reaches_studio
def run(
    client: Client,
    what: str,
    given: dict[str, JSON] | None,
    watch: bool | None,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Run a pipeline: one in Studio by its name, or a file, which is deployed first.

    What ends in .json or holds a / is a file. Progress goes to standard error, the result to
    standard output: the output of the run, or with --json an object of run_id, status, result,
    error and more. Without --watch the id of the run is printed.

    \b
    Exit 0: the run completed (without --watch: was accepted)
         1: it failed
         2: usage, or the document or the input was refused
         3: it was cancelled
         4: no Studio answers, or --timeout is over
       130: Ctrl-C; the run goes on
    """
    if timeout is not None and watch is False:
        raise click.UsageError("--timeout is for watching.")
    body = {"pipeline_id": find_reference(client, what), "input": given or {}}
    accepted = client.post("/api/v1/runs", body)
    if watch or (watch is None and (timeout is not None or sys.stderr.isatty())):
        note(f"Run {accepted['id']} is accepted.")
        show = for_a_person(client, accepted)
        ended = watch_to_the_end(client, accepted, show, timeout_seconds=timeout)
        tell_result(ended, as_json)
        click.get_current_context().exit(EXITS[ended["status"]])
    note(f"The run is accepted. {how_to_look(accepted)}")
    tell_accepted(accepted, as_json)


def find_reference(client: Client, what: str) -> str:
    """The pipeline of this name, or that of a file, which is saved; ends the command when the file
    is refused. Raises Refused."""
    return _deployed(client, Path(what)) if _is_file(what) else what


def _is_file(what: str) -> bool:
    return "/" in what or what.endswith(".json")


def _deployed(client: Client, path: Path) -> str:
    """Saves the pipeline of a file; the reference of the version that it is now."""
    parents, checked = check_by_studio(client, [path])
    for sentence in report.lines(checked, parents):
        note(sentence)
    if not report.is_valid(checked):
        click.get_current_context().exit(REFUSED)
    ((only, saved),) = save_all(client, checked)
    if saved.action == "skipped":
        raise NotSaved(f"{path} is abstract: it cannot be run.")
    note(one_line(told(only, saved)))
    return saved.reference
