"""Writing pipelines into files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import click

from app.cli.files.finding import SUFFIX
from app.cli.files.reading import unreadable
from app.cli.output import pretty
from app.engine.sparse import sparse

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
#: Names that some systems keep for themselves, whatever follows the dot.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?\Z", re.IGNORECASE)


def file_name(pipeline: str) -> str:
    """A file name for a pipeline that every system takes, and another for each pipeline.

    A name of letters, digits, dots, hyphens and underscores stays; what another is made of is
    replaced, and a digest keeps it apart from those that look alike then.
    """
    plain = _ODD.sub("-", pipeline).strip(".-")
    if plain == pipeline and not _RESERVED.match(plain):
        return plain + SUFFIX
    digest = hashlib.sha256(pipeline.encode()).hexdigest()[:8]
    return f"{plain or 'pipeline'}-{digest}{SUFFIX}"


def file_text(pipeline: dict[str, Any]) -> str:
    """The document of a pipeline that Studio showed, as it stands in a file."""
    return pretty(sparse(pipeline))


def differs(path: Path, text: str) -> bool:
    """Whether something else is already there."""
    try:
        return path.read_bytes() != text.encode()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refused(path, error) from None


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all. Raises Unreadable when that cannot be."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(text.encode())
        fresh.replace(path)
    except OSError as error:
        raise _refused(path, error) from None


def make_folder(folder: Path) -> None:
    """Makes a folder unless it is there. Raises Unreadable when that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from None


def _refused(path: Path, error: OSError) -> Exception:
    return unreadable(click.format_filename(path), f"cannot be written: {error.strerror}")
