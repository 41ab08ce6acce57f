"""Options that several commands have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import config
from app.cli.client import Client, find_url
from app.cli.runs.given import read_input

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
as_json_lines = click.option("--json", "as_json_lines", is_flag=True, help="Lines of JSON.")
pipeline_paths = click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, readable=True, path_type=Path),
)


def takes_input(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --input, --input-file and --set to a command, which gets the input of a run as `given`;
    None when there is none of them."""

    @click.option("--input", "text", metavar="JSON|@FILE|-", help="The input; - is standard input.")
    @click.option(
        "--input-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The same as --input @FILE.",
    )
    @click.option(
        "--set",
        "pairs",
        metavar="KEY=VALUE",
        multiple=True,
        help="One member of the input, over those of --input: JSON when it is, else text.",
    )
    @functools.wraps(command)
    def wrapped(
        text: str | None, input_file: Path | None, pairs: tuple[str, ...], **rest: Any
    ) -> Any:
        is_given = text is not None or input_file is not None or pairs
        return command(given=read_input(text, input_file, pairs) if is_given else None, **rest)

    return wrapped


def reaches_studio(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --url and --api-key to a command, which is given a `client` for them."""

    @click.option("--url", envvar="FLOWMASON_URL", show_envvar=True, help="Where Studio is.")
    @click.option("--api-key", envvar="FLOWMASON_API_KEY", show_envvar=True, help="Who you are.")
    @functools.wraps(command)
    def wrapped(url: str | None, api_key: str | None, **rest: Any) -> Any:
        return command(client=Client(find_url(url, config.load()), api_key), **rest)

    return wrapped
