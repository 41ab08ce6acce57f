"""The request of `fm test`, out of a `*.test.json` file or of a recorded run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from app.cli.client import Answered, Client, run_path
from app.cli.deploy import check_by_studio
from app.cli.exits import REFUSED
from app.cli.files import report
from app.cli.files.finding import SUFFIX
from app.cli.files.reading import PipelineFile, read_file, unreadable
from app.cli.home import Refused
from app.cli.output import note, one_line
from app.cli.runs.naming import known
from app.core.wire import JSON

PATH = "/api/v1/tests/run"
_SUBJECTS = ("pipeline_id", "document", "from_run")


def ask_by_file(client: Client, path: Path, from_run: str | None) -> str:
    """Has the tests of a file run; the test run's id. Raises Refused; ends the command when Studio
    has something against them."""
    file = read_file(path)
    if not isinstance(file.raw, dict):
        raise unreadable(file.place, "is no JSON object")
    body = {name: value for name, value in file.raw.items() if name != "$schema"}
    if from_run is not None:
        body = {name: value for name, value in body.items() if name not in _SUBJECTS}
        body["from_run"] = from_run
        note(f"The tests are of what run {one_line(from_run)} executed.")
    elif (reference := _pipeline_path(file)) is not None:
        del body["pipeline_id"]
        body["document"] = resolved_document(client, reference)
    return _asked(client, body, file)


def ask_by_run(client: Client, pipeline: str | None, run_id: str) -> str:
    """Has a recorded run tested, of this pipeline when one is named; the test run's id."""
    if pipeline is not None:
        with known("run", run_id):
            run = client.get(run_path(run_id))
        _check_pipeline(run, pipeline)
    with known("run", run_id):
        return str(client.post(PATH, {"from_run": run_id})["test_id"])


def _check_pipeline(run: dict[str, Any], pipeline: str) -> None:
    name, _, version = pipeline.partition("@")
    names = (run["pipeline_id"], run["pipeline_name"])
    if name not in names or version not in ("", run["pipeline_version"]):
        of = f"{run['pipeline_name']}@{run['pipeline_version']}"
        raise Refused(one_line(f"Run {run['id']} is one of {of}, not of {pipeline}."))


def _pipeline_path(file: PipelineFile) -> Path | None:
    reference = file.member("pipeline_id")
    if reference is None or not reference.endswith(SUFFIX):
        return None
    return file.path.parent / reference


def resolved_document(client: Client, path: Path) -> dict[str, JSON]:
    """The resolved document of a pipeline file; ends the command when it has problems."""
    parents, (checked,) = check_by_studio(client, [path])
    for sentence in report.lines([checked], parents):
        note(sentence)
    if not report.is_valid([checked]):
        click.get_current_context().exit(REFUSED)
    return checked.resolution.document


def _asked(client: Client, body: dict[str, JSON], file: PipelineFile) -> str:
    try:
        return str(client.post(PATH, body)["test_id"])
    except Answered as answer:
        if not answer.errors:
            raise
        for sentence in _problems(answer, file):
            note(sentence)
        click.get_current_context().exit(REFUSED)


def _problems(answer: Answered, file: PipelineFile) -> Iterator[str]:
    """`FILE:LINE: POINTER: code: message`, as of pipeline files."""
    for pointer, sentences in answer.errors.items():
        shown = pointer or '""'
        where = f"{file.place}:{file.lines.of(pointer)}: {shown}: {answer.code}"
        for sentence in sentences:
            yield one_line(f"{where}: {sentence}")
