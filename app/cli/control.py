"""`fm pause`, `fm resume`, `fm step`: a run is halted, and goes on."""

from __future__ import annotations

from typing import Any

import click

from app.cli.client import Client, run_path
from app.cli.exits import OF_RUNS, exiting
from app.cli.options import as_json, reaches_studio
from app.cli.output import print_json
from app.cli.runs.naming import find_run_id, known, run_name
from app.cli.runs.telling import place


@click.command()
@run_name
@as_json
@exiting(OF_RUNS)
@reaches_studio
def pause(client: Client, name: str, as_json: bool) -> None:
    """Pause a run; `last` is the newest one. A paused run holds no worker.

    A run that waits is paused at once. In one that a worker holds what is under way finishes first,
    and nothing else starts. With --json the answer of the API.

    Exit 0: Studio heard it, 2: usage, no such run, or it is paused or over, 4: no Studio answers.
    """
    control = _command(client, name, "pause")
    _tell(control, as_json, f"is {_standing(control)}.")


@click.command()
@run_name
@as_json
@exiting(OF_RUNS)
@reaches_studio
def resume(client: Client, name: str, as_json: bool) -> None:
    """Have a paused run go on; `last` is the newest one. Its breakpoints stay.

    A pause that is not reached yet is taken back. With --json the answer of the API.

    Exit 0: Studio heard it, 2: usage, no such run, or it is not paused, 4: no Studio answers.
    """
    control = _command(client, name, "resume")
    _tell(control, as_json, f"goes on; watch it: fm watch {control['run_id']}")


@click.command()
@run_name
@as_json
@exiting(OF_RUNS)
@reaches_studio
def step(client: Client, name: str, as_json: bool) -> None:
    """Have a paused run execute one stage, and pause again; `last` is the newest one.

    It is the stage before which the run stands; a loop goes as far as its first stage inside. With
    --json the answer of the API.

    Exit 0: Studio heard it, 2: usage, no such run, or it is not paused, 4: no Studio answers.
    """
    control = _command(client, name, "step")
    _tell(control, as_json, f"goes one step; look around: fm debug {control['run_id']}")


def _command(client: Client, name: str, command: str) -> dict[str, Any]:
    run_id = find_run_id(client, name)
    with known("run", run_id):
        control: dict[str, Any] = client.post(f"{run_path(run_id)}/{command}", {})
    return control


def _tell(control: dict[str, Any], as_json: bool, words: str) -> None:
    if as_json:
        print_json(control)
    else:
        click.echo(f"Run {control['run_id']} {words}")


def _standing(control: dict[str, Any]) -> str:
    if control["status"] != "paused":
        return "pausing: what is under way finishes first"
    before = control["paused_before"]
    return f"paused before {before}{place(control['paused_iteration'])}" if before else "paused"
