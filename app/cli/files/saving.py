"""Giving documents to Studio: a new pipeline, a new version of one, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from app.cli.client import Answered, Client, pipeline_path
from app.cli.files.checking import Checked
from app.cli.home import Refused
from app.core.wire import JSON
from app.engine.document import normalize
from app.services.pipelines.versions import sort_key


class NotSaved(Refused):
    """Studio did not take a document that was valid before."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a document: `action` is created, saved, unchanged, or skipped (abstract)."""

    action: str
    id: str | None = None
    name: str | None = None
    version: str | None = None

    @property
    def reference(self) -> str:
        """What means this very version."""
        return f"{self.name}@{self.version}"


def save_all(client: Client, checked: Iterable[Checked]) -> Iterator[tuple[Checked, Saved]]:
    """Saves each document that is not abstract, in order. Raises NotSaved, Unreachable."""
    for each in checked:
        if each.resolution.abstract:
            yield each, Saved("skipped", name=each.file.member("name"))
            continue
        try:
            saved = save(client, each.resolution.document)
        except Answered as answer:
            raise NotSaved(f"{each.file.place}: {answer}") from None
        yield each, saved


def save(client: Client, document: dict[str, JSON]) -> Saved:
    """Saves a valid document under its name.

    Its version is kept when it is higher than every saved one; else Studio gives the next patch.
    """
    # Whole, for a new version keeps of the one before it what is not said.
    whole = normalize(document)
    before = client.find(pipeline_path(whole["name"]))
    if before is None:
        return _saved("created", client.post("/api/v1/pipelines", whole))
    if not _is_higher(whole["version"], before["version"]):
        del whole["version"]
    after = client.put(pipeline_path(before["id"]), whole)
    return _saved("unchanged" if after["version"] == before["version"] else "saved", after)


def _is_higher(version: str | None, newest: str) -> bool:
    """Whether it is above the newest version, which is the highest."""
    return version is not None and sort_key(version) > sort_key(newest)


def _saved(action: str, pipeline: dict[str, Any]) -> Saved:
    return Saved(action, pipeline["id"], pipeline["name"], pipeline["version"])


def told(checked: Checked, saved: Saved) -> str:
    """What became of a file, as a sentence."""
    if saved.action == "skipped":
        return f"{checked.file.place} is abstract: it is not deployed."
    written = checked.file.member("version")
    other = written is not None and saved.action == "saved" and written != saved.version
    why = f", for {written} is not higher than what was saved before" if other else ""
    return f"{saved.name} {saved.version}: {saved.action}{why}."
