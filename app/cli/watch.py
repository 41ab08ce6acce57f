"""`fm watch`: follows a run, or plays one that has ended, and tells how it ended."""

from __future__ import annotations

import click

from app.cli.client import Client, run_path
from app.cli.exits import EXITS, OF_RUNS, exiting
from app.cli.options import as_json_lines, reaches_studio
from app.cli.runs import watching
from app.cli.runs.naming import find_run_id, known, run_name


@click.command()
@run_name
@click.option(
    "--after",
    "after_seq",
    metavar="SEQ",
    type=click.IntRange(0, 2**53),
    default=0,
    help="Begin after this event: each event is a line then, on a terminal too.",
)
@as_json_lines
@exiting(OF_RUNS)
@reaches_studio
def watch(client: Client, name: str, after_seq: int, as_json_lines: bool) -> None:
    """Watch a run to its end; `last` is the newest one.

    A terminal shows the tree of its stages, what a loop or a branch runs below it, loops with
    counts of their iterations; elsewhere each event is a line. That goes to standard error, the
    output of the run to standard output. With --json each event is a line of JSON there instead.
    Nothing is lost when Studio restarts meanwhile, and a run that has ended is played at once.

    \b
    Exit 0: the run completed
         1: it failed
         2: usage, or there is no such run
         3: it was cancelled
         4: no Studio answers
       130: Ctrl-C; the run goes on
    """
    run_id = find_run_id(client, name)
    with known("run", run_id):
        run = client.get(run_path(run_id))
    if as_json_lines:
        show = watching.as_json_lines
    else:
        show = watching.as_lines if after_seq else watching.for_a_person(client, run)
    ended = watching.watch_to_the_end(client, run, show, after_seq=after_seq)
    if as_json_lines:
        watching.tell_misfortune(ended)
    else:
        watching.tell_result(ended, as_json=False)
    click.get_current_context().exit(EXITS[ended["status"]])
