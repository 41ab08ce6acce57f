"""What commands print: JSON on standard output, sentences for a person on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import click

from app.core.wire import JSON


def print_json(value: JSON) -> None:
    """A value on standard output, in UTF-8 whatever the terminal speaks."""
    click.echo(pretty(value).encode(), nl=False)


def print_json_line(value: JSON) -> None:
    """A value as one line on standard output, in UTF-8 too."""
    click.echo(json.dumps(value, ensure_ascii=False).encode())


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines in which the cells of the rows stand one below the other, each column as wide as its
    widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def blocks(heads: Sequence[Sequence[str]], below: Iterable[Iterable[str]]) -> Iterator[str]:
    """The rows as `columns` gives them, each with its own lines indented below it."""
    for head, lines in zip(columns(heads), below, strict=True):
        yield head
        for line in lines:
            yield f"    {line}"


def pretty(value: JSON) -> str:
    """JSON as a person reads it, one member a line, and a line's end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def note(sentence: str) -> None:
    """A sentence on standard error."""
    click.echo(sentence, err=True)


def one_line(text: str) -> str:
    """The text in one line, without what would move a terminal's cursor or change its colours."""
    return "".join(char if char.isprintable() else " " for char in text)


def duration(milliseconds: int) -> str:
    """A time span as short as a person reads it: `7 ms`, `1.5 s`, `2 min 5 s`, `3 h 20 min`."""
    seconds = milliseconds // 1000
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if seconds < 60:
        return f"{milliseconds / 1000:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
