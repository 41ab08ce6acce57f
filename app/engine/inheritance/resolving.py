"""From a document in file form to the one that is saved: base first, child last (contract 01).

`stages` and `tags` are put together; a child's tags follow those it inherits. `name`, `version`,
`is_template` and `abstract` belong to the document in which they stand. Of every other member
(description, schemas, output_stage_id, output_config, category, max_concurrency, sample_input,
metadata) the child's whole value is taken when it is there, null too, else the parent's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.core import wire
from app.core.errors import Problem
from app.core.wire import JSON
from app.engine.inheritance.lineage import Lineage, lineage_of
from app.engine.inheritance.members import (
    COMBINED,
    FILE_MEMBERS,
    OWN,
    member_problems,
    well_formed,
)
from app.engine.inheritance.resolution import Resolution
from app.engine.inheritance.source import Found, Source
from app.engine.inheritance.stages import Overrides, Slot, with_stages

Tags = tuple[tuple[Source, int, JSON], ...]


def resolve(source: Source) -> Resolution:
    """Resolves the inheritance of a document. Accepts any JSON, and finds all problems at once.

    Problems: `wrong-type`, `unknown-parent`, `unknown-override` (its target is not inherited),
    `inheritance-cycle`, `inheritance-depth` (over 10 documents above it). When a parent is
    missing, the rest is resolved without it.
    """
    if not isinstance(source.raw, dict):
        problem = Problem("", "wrong-type", "A pipeline document is an object.")
        return Resolution(source, {}, (), (), (Found(source, problem),), False, partial=True)
    lineage = lineage_of(source)
    slots, found = _stages(lineage)
    abstract = well_formed(source, "abstract") is True
    return Resolution(
        source=source,
        members=_members(lineage.sources),
        slots=tuple(slots),
        tags=_tags(lineage.sources),
        problems=(*([lineage.problem] if lineage.problem else ()), *found),
        abstract=abstract,
        partial=abstract or not lineage.complete,
    )


def _members(sources: Sequence[Source]) -> dict[str, tuple[Source, JSON]]:
    found = {}
    for source in reversed(sources):
        for name, value in source.raw.items():
            inherits = name not in OWN or source is sources[0]
            if inherits and name not in FILE_MEMBERS and name not in COMBINED:
                found[name] = (source, value)
    return found


def _tags(sources: Sequence[Source]) -> Tags:
    found: list[tuple[Source, int, JSON]] = []
    for source in reversed(sources):
        known = {wire.canonical(tag) for *_, tag in found}
        for index, tag in enumerate(well_formed(source, "tags") or ()):
            if wire.canonical(tag) not in known:
                found.append((source, index, tag))
    return tuple(found)


def _stages(lineage: Lineage) -> tuple[list[Slot], list[Found]]:
    """The stages, and what is wrong in the documents of the line, the child's first."""
    slots: list[Slot] = []
    found: list[list[Found]] = []
    for source in reversed(lineage.sources):
        overrides = Overrides(source)
        found.insert(0, list(_problems(source, overrides, slots, lineage.complete)))
        slots = overrides.applied(with_stages(slots, source))
    return slots, [problem for problems in found for problem in problems]


def _problems(
    source: Source, overrides: Overrides, inherited: Sequence[Slot], complete: bool
) -> Iterator[Found]:
    yield from member_problems(source)
    yield from overrides.problems(inherited, complete)
