"""The input of a run, as it was given on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from app.cli.files.reading import STDIN, Unreadable, decoded, parsed, read_bytes, read_stdin
from app.core.wire import JSON


def read_input(text: str | None, file: Path | None, pairs: Iterable[str]) -> dict[str, JSON]:
    """The members of `--input` or `--input-file`, with those of `--set` over them.

    Raises click.UsageError, Unreadable.
    """
    if text is not None and file is not None:
        raise click.UsageError("Give --input or --input-file, not both.")
    given = _from_text(text) if text is not None else _from_file(file) if file else {}
    if not isinstance(given, dict):
        raise click.UsageError("The input of a run is a JSON object.")
    return {**given, **dict(map(_pair, pairs))}


def _from_text(text: str) -> JSON:
    if text == "-":
        return parsed(decoded(read_stdin(), STDIN), STDIN)
    if text.startswith("@"):
        return _from_file(Path(text[1:]))
    return parsed(text, "--input")


def _from_file(path: Path) -> JSON:
    place = click.format_filename(path)
    return parsed(decoded(read_bytes(path), place), place)


def _pair(text: str) -> tuple[str, JSON]:
    """`key=value`: JSON when the value is, else the text itself."""
    key, is_pair, value = text.partition("=")
    if not key or not is_pair:
        raise click.UsageError(f"--set takes key=value, not {text!r}.")
    try:
        return key, parsed(value, f"--set {key}")
    except Unreadable:
        if value.startswith(("{", "[", '"')):
            raise  # JSON was meant
        return key, value
