"""Where the pipeline that a file extends is found: beside it, or in Studio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from app.cli.client import Client, pipeline_path
from app.cli.files.finding import beside
from app.cli.files.reading import PipelineFile, Unreadable, read_file
from app.cli.home import Refused
from app.engine.document import DOCUMENT_DEFAULTS
from app.engine.inheritance import Found, Source

Ask = Callable[[str], Source | None]


class Parents:
    """Finds parents among the files given, then in the folder of the file that extends them, then
    by `ask`. `notes` are sentences on what could not be looked at.

    Of several files in a folder that a reference means, the first by file name is taken.
    """

    def __init__(self, given: Sequence[PipelineFile], ask: Ask) -> None:
        self.notes: list[str] = []
        self._given = given
        self._ask = ask
        self._beside: dict[Path, list[PipelineFile]] = {}
        self._files: dict[str, PipelineFile] = {}

    def source(self, file: PipelineFile) -> Source:
        """A file as inheritance sees it."""
        self._files[file.place] = file
        return Source(file.place, file.raw, partial(self._find, file.path.parent))

    def line(self, found: Found) -> int | None:
        """The line of a problem; None when it does not stand in a file."""
        file = self._files.get(found.source.place)
        return file and file.lines.of(found.problem.pointer)

    def _find(self, folder: Path, reference: str) -> Source | None:
        for files in (self._given, self._neighbours(folder)):
            for file in files:
                if file.is_meant_by(reference):
                    return self.source(file)
        return self._ask(reference)

    def _neighbours(self, folder: Path) -> list[PipelineFile]:
        if folder not in self._beside:
            self._beside[folder] = list(self._readable(folder))
        return self._beside[folder]

    def _readable(self, folder: Path) -> list[PipelineFile]:
        files = []
        for path in beside(folder):
            try:
                files.append(read_file(path))
            except Unreadable as why:
                self.notes.append(f"Not looked at: {why}.")
        return files


def in_studio(client: Client) -> Ask:
    """Asks Studio for a parent, once for each reference. The calls raise Refused."""

    @cache
    def ask(reference: str) -> Source | None:
        shown = client.find(pipeline_path(reference))
        if shown is None:
            return None
        raw = {name: shown[name] for name in DOCUMENT_DEFAULTS}
        place = f"{shown['name']}@{shown['version']} at {client.url}"
        return Source(place, raw, lambda _: None)  # what is saved is resolved

    return ask


def if_there(ask: Ask, tell: Callable[[str], None]) -> Ask:
    """Asks; a refusal is told once for each reference, and means that there is no such parent."""

    @cache
    def asked(reference: str) -> Source | None:
        try:
            return ask(reference)
        except Refused as why:
            tell(f"Studio was not asked for {reference!r}: {why}")
            return None

    return asked
