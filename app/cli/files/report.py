"""What was found in files, as lines for a person and as JSON for a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from app.cli.files.checking import Checked
from app.cli.files.parents import Parents
from app.cli.output import one_line, print_json
from app.engine.inheritance import Found


def tell(checked: Sequence[Checked], parents: Parents, as_json: bool) -> None:
    """Prints all that was found."""
    if as_json:
        print_json(as_object(checked, parents))
        return
    for line in lines(checked, parents):
        click.echo(line)
    click.echo(summary(checked))


def lines(checked: Iterable[Checked], parents: Parents) -> Iterator[str]:
    """`FILE:LINE: POINTER: code: message` of every problem and warning."""
    for each in checked:
        for found in each.problems:
            yield _line(found, each, parents, "")
        for found in each.warnings:
            yield _line(found, each, parents, "warning: ")


def _line(found: Found, of: Checked, parents: Parents, mark: str) -> str:
    place, problem, line = found.source.place, found.problem, parents.line(found)
    where = f"{place}:{line}" if line else place
    heir = "" if place == of.file.place else f" (inherited by {of.file.place})"
    pointer = problem.pointer or '""'
    return one_line(f"{where}: {pointer}: {mark}{problem.code}: {problem.message}{heir}")


def is_valid(checked: Iterable[Checked]) -> bool:
    """Whether nothing is wrong with any of them."""
    return not any(each.problems for each in checked)


def summary(checked: Sequence[Checked]) -> str:
    """How many files are valid, or what stands against it."""
    files = _counted(len(checked), "file")
    if is_valid(checked):
        return f"{files} {'is' if len(checked) == 1 else 'are'} valid."
    problems = _counted(sum(len(each.problems) for each in checked), "problem")
    return f"{problems} in {files}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def as_object(checked: Sequence[Checked], parents: Parents) -> dict[str, Any]:
    """`{"valid", "files": [{"file", "name", "abstract", "valid", "problems", "warnings"}]}`."""
    return {
        "valid": is_valid(checked),
        "files": [file_object(each, parents) for each in checked],
    }


def file_object(checked: Checked, parents: Parents) -> dict[str, Any]:
    """What was found in one file."""
    return {
        "file": checked.file.place,
        "name": checked.file.member("name"),
        "abstract": checked.resolution.abstract,
        "valid": is_valid([checked]),
        "problems": [_problem(found, parents) for found in checked.problems],
        "warnings": [_problem(found, parents) for found in checked.warnings],
    }


def _problem(found: Found, parents: Parents) -> dict[str, Any]:
    problem = found.problem
    return {
        "file": found.source.place,
        "line": parents.line(found),
        "pointer": problem.pointer,
        "code": problem.code,
        "message": problem.message,
    }
