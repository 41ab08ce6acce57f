"""The files that the arguments of a command mean."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from app.cli.files.reading import unreadable

SUFFIX = ".pipeline.json"


def pipeline_files(paths: Iterable[Path]) -> list[Path]:
    """The files given, and all `*.pipeline.json` below the folders given; none twice.

    Raises click.UsageError for a folder without any, Unreadable for one that cannot be read.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for file in _below(path) if path.is_dir() else [path]:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def beside(folder: Path) -> list[Path]:
    """The pipeline files that stand in this very folder."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _below(folder: Path) -> list[Path]:
    files = sorted(_walk(folder))
    if not files:
        raise click.UsageError(f"There is no *{SUFFIX} in {click.format_filename(folder)}.")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder, onerror=_refuse):
        yield from (Path(parent, name) for name in names if name.endswith(SUFFIX))


def _refuse(error: OSError) -> None:
    raise unreadable(click.format_filename(error.filename), f"cannot be read: {error.strerror}")
