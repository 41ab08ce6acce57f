"""Options that several commands have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import config
from app.cli.client import Client, find_url

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
as_json_lines = click.option("--json", "as_json_lines", is_flag=True, help="Lines of JSON.")
pipeline_paths = click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, readable=True, path_type=Path),
)


def reaches_studio(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --url and --api-key to a command, which is given a `client` for them."""

    @click.option("--url", envvar="FLOWMASON_URL", show_envvar=True, help="Where Studio is.")
    @click.option("--api-key", envvar="FLOWMASON_API_KEY", show_envvar=True, help="Who you are.")
    @functools.wraps(command)
    def wrapped(url: str | None, api_key: str | None, **rest: Any) -> Any:
        return command(client=Client(find_url(url, config.load()), api_key), **rest)

    return wrapped
