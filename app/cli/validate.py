"""`fm validate`: what is wrong with pipeline files, without a running Studio."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.client import Client
from app.cli.exits import OF_FILES, exiting
from app.cli.files import report
from app.cli.files.checking import check_files
from app.cli.files.finding import pipeline_files
from app.cli.files.judges import judge_here
from app.cli.files.parents import Parents, if_there, in_studio
from app.cli.files.reading import read_files
from app.cli.options import as_json, pipeline_paths, reaches_studio
from app.cli.output import note


@click.command()
@pipeline_paths
@as_json
@exiting(OF_FILES)
@reaches_studio
def validate(client: Client, paths: tuple[Path, ...], as_json: bool) -> None:
    """Check pipeline files against the built-in components.

    Of a folder every *.pipeline.json below it is checked. A parent that a file extends is looked
    for among the files given, then beside the file, then in Studio, if one runs.

    Exit 0: all is well, 1: there are problems, 2: a path or its JSON cannot be read.
    """
    files = read_files(pipeline_files(paths))
    parents = Parents(files, if_there(in_studio(client), note))
    checked = check_files(files, parents, judge_here)
    report.tell(checked, parents, as_json)
    for sentence in parents.notes:
        note(sentence)
    if not report.is_valid(checked):
        click.get_current_context().exit(1)
