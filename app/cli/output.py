"""What commands print: JSON on standard output, sentences for a person on standard error."""

from __future__ import annotations

import json

import click

from app.core.wire import JSON


def print_json(value: JSON) -> None:
    """A value on standard output, in UTF-8 whatever the terminal speaks."""
    click.echo(pretty(value).encode(), nl=False)


def pretty(value: JSON) -> str:
    """JSON as a person reads it, one member a line, and a line's end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def note(sentence: str) -> None:
    """A sentence on standard error."""
    click.echo(sentence, err=True)


def one_line(text: str) -> str:
    """The text in one line, without what would move a terminal's cursor or change its colours."""
    return "".join(char if char.isprintable() else " " for char in text)
