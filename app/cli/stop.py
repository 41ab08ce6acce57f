"""`fm stop`: asks a run to end."""

from __future__ import annotations

import click

from app.cli.client import Client, run_path
from app.cli.exits import OF_RUNS, exiting
from app.cli.options import as_json, reaches_studio
from app.cli.output import print_json
from app.cli.runs.naming import find_run_id, known, run_name


@click.command()
@run_name
@as_json
@exiting(OF_RUNS)
@reaches_studio
def stop(client: Client, name: str, as_json: bool) -> None:
    """Stop a run; `last` is the newest one. What it has finished stays.

    A run that waits is cancelled at once. One that a worker holds starts no further stage and is
    cancelled as soon as what is under way lets go; `fm watch` waits for that. With --json the
    answer of the API.

    Exit 0: Studio heard it, 2: usage, no such run, or it has ended, 4: no Studio answers.
    """
    run_id = find_run_id(client, name)
    with known("run", run_id):
        control = client.post(f"{run_path(run_id)}/stop", {})
    if as_json:
        print_json(control)
    elif control["status"] == "cancelled":
        click.echo(f"Run {run_id} is cancelled.")
    else:
        click.echo(f"Run {run_id} is stopping; see its end: fm watch {run_id}")
