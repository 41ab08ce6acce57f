"""`fm pull`: writes pipelines of Studio into files that can be kept with code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.cli.client import Client, pipeline_path
from app.cli.exits import OF_FILES, exiting
from app.cli.files.writing import differs, file_name, file_text, make_folder, write
from app.cli.home import Refused
from app.cli.options import reaches_studio


@click.command()
@click.argument("names", metavar="NAME[@VERSION]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every pipeline.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="The folder to write into; made when it is not there. Default: the current one.",
)
@click.option("--force", is_flag=True, help="Write over files that differ.")
@exiting(OF_FILES)
@reaches_studio
def pull(client: Client, names: tuple[str, ...], everything: bool, out: Path, force: bool) -> None:
    """Write pipelines into files NAME.pipeline.json: the newest version, or the one named.

    What says nothing is left out, and members always stand in the same order, so that little
    differs from one pull to the next. A file that holds something else stays, and then nothing
    is written, unless --force is given.

    Exit 0: all is written, 1: a file differs, or Studio refused, 2: a folder or file cannot be
    written, 4: no Studio answers.
    """
    if bool(names) == everything:
        raise click.UsageError("Name pipelines, or say --all.")
    saved = (each["id"] for each in client.pages("/api/v1/pipelines", {})) if everything else names
    texts = _texts([client.get(pipeline_path(name)) for name in saved], out)
    _refuse_differing(texts, force)
    make_folder(out)
    for path, text in texts.items():
        fresh = differs(path, text) or not path.exists()
        if fresh:
            write(path, text)
        click.echo(f"{click.format_filename(path)}: {'written' if fresh else 'unchanged'}.")


def _texts(pipelines: Sequence[dict[str, Any]], out: Path) -> dict[Path, str]:
    """What shall stand in which file. Raises Refused for two versions of one pipeline."""
    texts: dict[Path, str] = {}
    for pipeline in pipelines:
        path = out / file_name(pipeline["name"])
        if texts.setdefault(path, text := file_text(pipeline)) != text:
            raise Refused(f"{pipeline['name']} is named twice, in versions that differ.")
    return texts


def _refuse_differing(texts: dict[Path, str], force: bool) -> None:
    found = [click.format_filename(path) for path, text in texts.items() if differs(path, text)]
    if found and not force:
        files = ", ".join(found)
        raise Refused(f"Something else stands in {files}; --force writes over it.")
