"""JSON that a person wrote: what is wrong with it is told with its place, never with a trace."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from app.cli.files.lines import Lines, line_of_duplicate
from app.cli.home import Refused
from app.core import wire
from app.core.errors import StudioError
from app.core.wire import JSON

STDIN = "standard input"

_LARGEST_BYTES = 16 * 2**20


class Unreadable(Refused):
    """What was given is not there, or is not JSON."""

    exit_code = 2


def unreadable(place: str, why: str) -> Unreadable:
    """A refusal that names the place."""
    return Unreadable(f"{place}: {why}")


@dataclass(frozen=True)
class PipelineFile:
    """A file with a document in it."""

    path: Path
    text: str
    raw: JSON

    @property
    def place(self) -> str:
        """Its path, as a person is shown it."""
        return click.format_filename(self.path)

    @cached_property
    def lines(self) -> Lines:
        """The lines of what is in it."""
        return Lines(self.text)

    def member(self, name: str) -> str | None:
        """A member of the document that is text; else None."""
        value = self.raw.get(name) if isinstance(self.raw, dict) else None
        return value if isinstance(value, str) else None

    def is_meant_by(self, reference: str) -> bool:
        """Whether `name` or `name@version` means this document."""
        name, at, version = reference.partition("@")
        return self.member("name") == name and (not at or self.member("version") == version)


def read_file(path: Path) -> PipelineFile:
    """The document in a file. Raises Unreadable."""
    text = decoded(read_bytes(path), click.format_filename(path))
    return PipelineFile(path, text, parsed(text, click.format_filename(path)))


def read_files(paths: Iterable[Path]) -> list[PipelineFile]:
    """The documents in these files. Raises Unreadable, naming each file that is."""
    files, refused = [], []
    for path in paths:
        try:
            files.append(read_file(path))
        except Unreadable as why:
            refused.append(str(why))
    if refused:
        raise Unreadable("\n  ".join(refused))
    return files


def read_bytes(path: Path) -> bytes:
    """What is in a file. Raises Unreadable when it cannot be read or is beyond all measure."""
    place = click.format_filename(path)
    try:
        with path.open("rb") as file:
            return _bounded(file, place)
    except OSError as error:
        raise unreadable(place, f"cannot be read: {error.strerror}") from None


def read_stdin() -> bytes:
    """What comes on standard input, up to its end; nothing when it is closed. Raises Unreadable."""
    try:
        return _bounded(sys.stdin.buffer, STDIN) if sys.stdin else b""
    except OSError as error:
        raise unreadable(STDIN, f"cannot be read: {error.strerror}") from None


def _bounded(file: BinaryIO, place: str) -> bytes:
    data = file.read(_LARGEST_BYTES + 1)
    if len(data) > _LARGEST_BYTES:
        raise unreadable(place, f"is larger than {_LARGEST_BYTES // 2**20} MiB")
    return data


def decoded(data: bytes, place: str) -> str:
    """The text of a file; a byte order mark is not part of it. Raises Unreadable."""
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise unreadable(place, "is not UTF-8 text") from None


def parsed(text: str, place: str) -> JSON:
    """The JSON in a text. Raises Unreadable, with the line when it is known."""
    try:
        orjson.loads(text)
        return wire.loads(text)
    except orjson.JSONDecodeError as broken:
        where = f"{place}:{broken.lineno}:{broken.colno}"
        raise unreadable(where, f"is not JSON: {broken.msg}") from None
    except StudioError as refused:
        line = line_of_duplicate(text)
        raise unreadable(f"{place}:{line}" if line else place, refused.detail) from None
