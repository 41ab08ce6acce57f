"""`fm deploy`: saves the pipelines of files, all of them or, when one is bad, none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.cli.client import Client
from app.cli.exits import OF_FILES, exiting
from app.cli.files import report
from app.cli.files.checking import Checked, check_files
from app.cli.files.finding import pipeline_files
from app.cli.files.judges import judge_in_studio
from app.cli.files.parents import Parents, in_studio
from app.cli.files.reading import read_files
from app.cli.files.saving import Saved, save_all, told
from app.cli.options import as_json, pipeline_paths, reaches_studio
from app.cli.output import note, one_line, print_json


@click.command()
@pipeline_paths
@as_json
@exiting(OF_FILES)
@reaches_studio
def deploy(client: Client, paths: tuple[Path, ...], as_json: bool) -> None:
    """Save pipeline files in Studio: new pipelines, or new versions of those it has.

    Each file is resolved and checked by Studio first; when one has a problem nothing is saved. A
    version higher than all saved ones is kept, else the next patch is taken; what did not change
    is not saved again. An abstract file is checked and not saved.

    Exit 0: all is saved, 1: problems, or Studio refused, 2: a path or its JSON cannot be read,
    4: no Studio answers.
    """
    parents, checked = check_by_studio(client, pipeline_files(paths))
    if not report.is_valid(checked):
        report.tell(checked, parents, as_json)
        click.get_current_context().exit(1)
    if as_json:
        _save_and_print(client, checked, parents)
    else:
        _save_and_tell(client, checked, parents)


def check_by_studio(client: Client, paths: Sequence[Path]) -> tuple[Parents, list[Checked]]:
    """The files, resolved and judged by Studio. Raises Unreadable, Unreachable, Answered."""
    files = read_files(paths)
    parents = Parents(files, in_studio(client))
    checked = check_files(files, parents, judge_in_studio(client))
    for sentence in parents.notes:
        note(sentence)
    return parents, checked


def _save_and_tell(client: Client, checked: Sequence[Checked], parents: Parents) -> None:
    for line in report.lines(checked, parents):
        click.echo(line)
    for each, saved in save_all(client, checked):
        click.echo(one_line(told(each, saved)))


def _save_and_print(client: Client, checked: Sequence[Checked], parents: Parents) -> None:
    """Prints what became of each file, also when Studio refuses one half-way."""
    became: dict[str, Saved] = {}
    try:
        for each, saved in save_all(client, checked):
            became[each.file.place] = saved
    finally:
        files = [_object(each, parents, became.get(each.file.place)) for each in checked]
        print_json({"valid": True, "files": files})


def _object(checked: Checked, parents: Parents, saved: Saved | None) -> dict[str, Any]:
    nothing = {"action": None, "id": None, "version": None}
    became = asdict(saved) if saved else nothing
    return {**report.file_object(checked, parents), **{name: became[name] for name in nothing}}
