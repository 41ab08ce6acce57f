"""What the members that a document has in file form only may hold, and those it combines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core import wire
from app.core.errors import Problem
from app.core.wire import JSON
from app.engine.inheritance.source import Found, Source
from app.engine.validation.checks import (
    Check,
    anything,
    array,
    boolean,
    mapping,
    nullable,
    pipeline_name,
    version,
)


def parent_reference(value: JSON) -> str | None:
    """A pipeline's name, or its name and a version of it."""
    if not isinstance(value, str):
        return "This must be a string."
    name, at, of_version = value.partition("@")
    if pipeline_name(name) or (at and version(of_version)):
        return "This must be the name of a pipeline, or name@version."
    return None


#: The members that a resolved document no longer has.
FILE_MEMBERS: Mapping[str, Check] = {
    "$schema": anything,
    "extends": nullable(parent_reference),
    "abstract": boolean,
    "overrides": mapping,
}
#: The members that are put together from all documents of the line.
COMBINED: Mapping[str, Check] = {"stages": array, "tags": array}
#: The members that say something of the very document in which they stand.
OWN = ("name", "version", "is_template")


def well_formed(source: Source, member: str) -> JSON:
    """The member as far as it can be used; None when it is absent or wrong."""
    value = source.member(member)
    check = FILE_MEMBERS.get(member) or COMBINED[member]
    return None if check(value) else value


def member_problems(source: Source) -> Iterator[Found]:
    """What is wrong with these members of one document."""
    for name, check in {**FILE_MEMBERS, **COMBINED}.items():
        if name in source.raw and (sentence := check(source.raw[name])):
            yield Found(source, Problem(wire.pointer(name), "wrong-type", sentence))
