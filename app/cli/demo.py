"""`fm demo`: deploys a pipeline over the API and runs it on data that needs no internet."""

from __future__ import annotations

import shlex
from typing import Any

import click
from rich.console import Console

from app.cli.client import Answered, Client
from app.cli.demo_pipeline import DOCUMENT
from app.cli.home import Refused
from app.cli.options import reaches_studio
from app.cli.runs.following import Follower, StillRunning
from app.cli.runs.telling import line, told_error
from app.core import wire

_PATIENCE_SECONDS = 60.0
_NAME = DOCUMENT["name"]


@click.command()
@reaches_studio
def demo(client: Client) -> None:
    """Run a pipeline that reads Studio's own API document and counts its routes."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(_deploy(client))
    given = {"url": client.url}
    run = client.post("/api/v1/runs", {"pipeline_id": _NAME, "input": given})
    console.print(f"Run {run['id']} is accepted; its events as they come:")
    with console.status("running"):
        final = _follow(client, run["id"], console)
    _conclude(console, final)
    _print_curl(console, client)
    if final["type"] != "run_completed":
        raise Refused("The demo did not complete.")


def _deploy(client: Client) -> str:
    """Saves the pipeline unless it is there; returns what to say."""
    try:
        pipeline = client.post("/api/v1/pipelines", DOCUMENT)
    except Answered as answer:
        if answer.code != "name-taken":
            raise
        return f"Pipeline {_NAME} is already deployed."
    return f"Pipeline {_NAME} is deployed as {pipeline['id']}."


def _follow(client: Client, run_id: str, console: Console) -> dict[str, Any]:
    """Prints each event; returns the last one. Raises Refused when that takes too long."""
    event: dict[str, Any] = {}
    try:
        for event in Follower(client, run_id, _PATIENCE_SECONDS):
            if told := line(event):
                console.print(told, markup=False)
    except StillRunning as late:
        raise Refused(f"{late} Is a worker running?") from None
    return event


def _conclude(console: Console, final: dict[str, Any]) -> None:
    if final["type"] == "run_completed":
        console.print(f"Completed in {final['duration_ms']} ms. The result:")
        console.print_json(wire.dumps(final["output"]))
    else:
        console.print(f"{final['type']}: {told_error(final.get('error'))}", markup=False)


def _print_curl(console: Console, client: Client) -> None:
    console.print("The same by hand:")
    run = {"pipeline_id": _NAME, "input": {"url": client.url}}
    for path, body in (("pipelines", DOCUMENT), ("runs", run)):
        sent = (
            "-X POST",
            "-H 'Content-Type: application/json'",
            "-d",
            shlex.quote(wire.dumps(body)),
        )
        console.print(client.curl(f"/api/v1/{path}", *sent), markup=False)
    for path in ("runs/RUN_ID", "runs/RUN_ID/events"):
        console.print(client.curl(f"/api/v1/{path}"), markup=False)
