"""`fm runs`: the runs there are, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import click

from app.cli.client import Client, pipeline_path
from app.cli.exits import OF_RUNS, exiting
from app.cli.options import as_json, reaches_studio
from app.cli.output import columns, duration, one_line, print_json
from app.cli.runs.naming import known
from app.core import clock
from app.core.ids import is_id
from app.core.states import RunStatus

_TRIGGERS = ("api", "webhook", "schedule", "replay", "what_if", "test", "subpipeline")
_SPAN = re.compile(r"([0-9]{1,6})([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_HEAD = ("RUN", "PIPELINE", "STATUS", "STARTED", "DURATION", "TRIGGER")


def _moment(ctx: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """`2h` before now, or a time with its offset, as Studio takes it."""
    if given is None:
        return None
    try:
        return clock.text(_ago(given) or clock.parse(given))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{given!r} is neither a span such as 30m, 2h or 7d nor a time such as"
            " 2026-11-22T20:33:39Z."
        ) from None


def _ago(given: str) -> datetime | None:
    found = _SPAN.match(given)
    return found and clock.now() - timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command("runs")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([str(status) for status in RunStatus]),
    help="Only these; may be given several times.",
)
@click.option("--pipeline", metavar="NAME|ID", help="Only those of this pipeline, all versions.")
@click.option("--trigger", type=click.Choice(_TRIGGERS), help="Only those that this one started.")
@click.option("--parent", metavar="RUN", help="Only those that this run started.")
@click.option(
    "--since",
    metavar="SPAN|TIME",
    callback=_moment,
    help="Only those accepted since 30m, 2h or 7d ago, or since 2026-11-22T20:33:39Z.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many."
)
@as_json
@exiting(OF_RUNS)
@reaches_studio
def runs(
    client: Client,
    statuses: tuple[str, ...],
    pipeline: str | None,
    trigger: str | None,
    parent: str | None,
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, newest first. Those of pipeline tests are shown with --trigger test.

    A run that waits for a worker has no start yet. With --json an object of `items`, as the API
    gives them.

    Exit 0: listed, 2: usage, or there is no such pipeline, 4: no Studio answers.
    """
    query = {
        "status": statuses or None,
        "pipeline_id": pipeline and _pipeline_id(client, pipeline),
        "trigger": trigger,
        "parent_run_id": parent,
        "created_after": since,
    }
    found = islice(client.pages("/api/v1/runs", query, size=limit), limit)
    if as_json:
        print_json({"items": list(found)})
    else:
        _print_table(found)


def _pipeline_id(client: Client, name: str) -> str:
    if is_id(name, "pl"):
        return name
    with known("pipeline", name):
        return str(client.get(pipeline_path(name))["id"])


def _print_table(found: Iterable[Mapping[str, Any]]) -> None:
    rows = [_row(run) for run in found]
    for line in columns([_HEAD, *rows] if rows else []):
        click.echo(line)
    if not rows:
        click.echo("No run.", err=True)


def _row(run: Mapping[str, Any]) -> tuple[str, ...]:
    took = run["duration_ms"]
    return (
        run["id"],
        one_line("@".join(filter(None, (run["pipeline_name"], run["pipeline_version"])))),
        run["status"],
        run["started_at"] or "-",
        "-" if took is None else duration(took),
        run["trigger"]["type"],
    )
