"""`fm debug`: halts a run, moves it stage by stage, looks around and back."""

from __future__ import annotations

from typing import Any

import click

from app.cli.client import Client, run_path
from app.cli.debugger import showing
from app.cli.debugger.debugged import Debugged
from app.cli.debugger.session import Session
from app.cli.exits import COMPLETED, EXITS, INTERRUPTED, OF_RUNS, exiting
from app.cli.options import reaches_studio, takes_input
from app.cli.output import note
from app.cli.run import find_reference
from app.cli.runs.naming import NEWEST, find_run_id, known
from app.core.ids import is_id
from app.core.wire import JSON


@click.command()
@click.argument("what", metavar="RUN|last|FILE|NAME[@VERSION]")
@takes_input
@exiting(OF_RUNS)
@reaches_studio
def debug(client: Client, what: str, given: dict[str, JSON] | None) -> None:
    """Debug a run, or start a pipeline and halt before its first stage.

    Shows the stages, then takes commands: step, continue, pause, break, print, back and more; help
    lists them. Their first letters are enough. On a terminal an empty line repeats the last one;
    elsewhere the commands are the lines of standard input, and the first that is refused ends it.
    Whoever leaves lets the run be: a paused one stays paused.

    \b
    Exit 0: the run completed, or was left as it stands
         1: it failed
         2: usage, no such run or pipeline, or a command of a script was refused
         3: it was cancelled
         4: no Studio answers
       130: Ctrl-C; the run stays as it is
    """
    is_run = what == NEWEST or is_id(what, "run")
    if is_run and given is not None:
        raise click.UsageError("A run has its input already; name a pipeline to start another.")
    run = _found(client, what) if is_run else _started(client, what, given or {})
    try:
        debugged = Debugged(client, run)
        Session(debugged).run(waits=not is_run)
    except KeyboardInterrupt:
        note(f"\nThe run stays as it is. Come back to it: fm debug {run['id']}")
        click.get_current_context().exit(INTERRUPTED)
    _tell_left(debugged)
    click.get_current_context().exit(EXITS.get(debugged.progress.state, COMPLETED))


def _found(client: Client, name: str) -> dict[str, Any]:
    run_id = find_run_id(client, name)
    with known("run", run_id):
        run: dict[str, Any] = client.get(run_path(run_id))
    return run


def _started(client: Client, what: str, given: dict[str, JSON]) -> dict[str, Any]:
    body = {"pipeline_id": find_reference(client, what), "input": given, "stop_on_entry": True}
    return _found(client, client.post("/api/v1/runs", body)["id"])


def _tell_left(debugged: Debugged) -> None:
    if debugged.end is None:
        where, run_id = showing.standing(debugged), debugged.run["id"]
        note(f"The run is left {where}. Come back to it: fm debug {run_id}")
