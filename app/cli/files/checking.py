"""Files resolved and judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.cli.files.judges import Judge, Verdict
from app.cli.files.parents import Parents
from app.cli.files.reading import PipelineFile
from app.core.errors import Problem
from app.engine.inheritance import Found, Resolution, resolve


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, the document that it stands for, and what is wrong with it."""

    file: PipelineFile
    resolution: Resolution
    problems: tuple[Found, ...]
    warnings: tuple[Found, ...]


def check_files(files: Sequence[PipelineFile], parents: Parents, judge: Judge) -> list[Checked]:
    """Resolves and judges each of the files; two of one name are a problem of the later."""
    checked, first = [], {}
    for file in files:
        name = file.member("name") or file.place
        twin = first.setdefault(name, file)
        checked.append(_check(file, parents, judge, twin if twin is not file else None))
    return checked


def _check(
    file: PipelineFile, parents: Parents, judge: Judge, twin: PipelineFile | None
) -> Checked:
    resolution = resolve(parents.source(file))
    verdict = judge(resolution.document) if isinstance(file.raw, dict) else Verdict(())
    found = (*resolution.problems, *resolution.located(verdict.problems))
    if twin is not None:
        message = f"The file {twin.place} has this name, too."
        found = (*found, Found(resolution.source, Problem("/name", "duplicate-name", message)))
    return Checked(
        file,
        resolution,
        _in_order(found, file, parents),
        _in_order(resolution.located(verdict.warnings), file, parents),
    )


def _in_order(found: Iterable[Found], file: PipelineFile, parents: Parents) -> tuple[Found, ...]:
    """Those of the file itself first, each file's by their lines."""

    def place(each: Found) -> tuple[bool, str, int]:
        elsewhere = each.source.place != file.place
        return elsewhere, each.source.place, parents.line(each) or 0

    return tuple(sorted(found, key=place))
