"""The document that inheritance results in, and where each part of it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.core import wire
from app.core.errors import Problem
from app.core.wire import JSON
from app.engine.inheritance.source import Found, Source
from app.engine.inheritance.stages import Slot
from app.engine.validation.findings import steps

#: Problems, and warnings, that end when a child, or the parent that was not found, brings what is
#: lacking.
_MAY_BE_COMPLETED = frozenset(
    {
        "error-outside-catch",
        "missing-config",
        "not-in-loop",
        "sample-input-invalid",
        "unknown-dependency",
        "unknown-output-stage",
        "unknown-stage-reference",
        "unknown-target",
        "unused-stage",
    }
)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A document without `extends` and `overrides`, as far as it could be resolved.

    `problems` are those of inheritance alone. `members` are the member and the source it comes
    from; `slots` the stages, `tags` the tags with the source and the index of each. `partial`: it
    is abstract, or a parent is missing, so that something may be lacking without being a problem.
    """

    source: Source
    members: Mapping[str, tuple[Source, JSON]]
    slots: tuple[Slot, ...]
    tags: tuple[tuple[Source, int, JSON], ...]
    problems: tuple[Found, ...]
    abstract: bool
    partial: bool

    @property
    def document(self) -> dict[str, JSON]:
        """The resolved document; it shares its values with the sources."""
        document = {name: value for name, (_, value) in self.members.items()}
        if self.tags:
            document["tags"] = [tag for *_, tag in self.tags]
        return {**document, "stages": [slot.raw for slot in self.slots]}

    def located(self, problems: Iterable[Problem]) -> Iterator[Found]:
        """Problems of the resolved document, where an author wrote what is wrong.

        Those that may be no problem of the complete document are left out.
        """
        for problem in problems:
            if not (self.partial and _may_be_completed(problem)):
                source, pointer = self.locate(problem.pointer)
                yield Found(source, Problem(pointer, problem.code, problem.message))

    def locate(self, pointer: str) -> tuple[Source, str]:
        """The source in which stands what the resolved document has at `pointer`, and where.

        What nobody wrote is missing in the document that was resolved.
        """
        head, *rest = steps(pointer) or [""]
        if head == "stages" and rest:
            return self.slots[int(rest[0])].locate(wire.pointer(*rest[1:]))
        if head == "tags" and rest:
            source, index, _ = self.tags[int(rest[0])]
            return source, wire.pointer("tags", index)
        source, _ = self.members.get(head, (self.source, None))
        return source, pointer


def _may_be_completed(problem: Problem) -> bool:
    lacks_type = problem.code == "missing-field" and problem.pointer.endswith("/component_type")
    return lacks_type or problem.code in _MAY_BE_COMPLETED
