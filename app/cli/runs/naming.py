"""The run, or the pipeline, that somebody means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click

from app.cli.client import Answered, Client
from app.cli.home import Refused
from app.cli.output import one_line

NEWEST = "last"

run_name = click.argument("name", metavar=f"RUN|{NEWEST}")


def find_run_id(client: Client, name: str) -> str:
    """The id itself, or that of the newest run. Raises Refused when there is none."""
    if name != NEWEST:
        return name
    newest = next(client.pages("/api/v1/runs", {}, size=1), None)
    if newest is None:
        raise Refused("There is no run yet.")
    return str(newest["id"])


@contextlib.contextmanager
def known(what: str, name: str) -> Iterator[None]:
    """What Studio does not find inside is this: `what` is run or pipeline. Raises Refused."""
    try:
        yield
    except Answered as answer:
        if answer.status_code != 404:
            raise
        raise Refused(f"There is no {what} {one_line(name)}.") from None
