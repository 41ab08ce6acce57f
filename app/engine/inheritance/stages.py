"""The stages of a document in file form: its own, inherited ones, and what overrides made of them.

A child's stage with the id of an inherited one takes its place; its others follow in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.core import wire
from app.core.errors import Problem
from app.core.wire import JSON
from app.engine.inheritance.aliases import overridden
from app.engine.inheritance.members import well_formed
from app.engine.inheritance.source import Found, Source
from app.engine.validation.findings import steps
from app.engine.validation.shape import Finding
from app.engine.validation.written_stage import WrittenStage


@dataclass(frozen=True, slots=True)
class Slot:
    """A stage of the resolved document: the one written, and what was laid over it since.

    `written` stands at `index` of the stages of `source`; `overrides` come in the order in which
    they apply, each with the source in which it stands.
    """

    source: Source
    index: int
    written: JSON
    raw: JSON
    overrides: tuple[tuple[Source, Mapping[str, JSON]], ...] = ()

    @property
    def id(self) -> str | None:
        """Its id, when it has one."""
        found = self.written.get("id") if isinstance(self.written, dict) else None
        return found if isinstance(found, str) else None

    def under(self, source: Source, partial: Mapping[str, JSON]) -> Slot:
        """The stage with a partial one of `source` laid over it."""
        raw = overridden(self.raw, partial)
        return replace(self, raw=raw, overrides=(*self.overrides, (source, partial)))

    def locate(self, below: str) -> tuple[Source, str]:
        """Where something below this stage was written: the source, and the pointer into it."""
        for source, partial in reversed(self.overrides):
            pointer = _named(partial, below)
            if pointer and _gives(partial, pointer):
                return source, wire.pointer("overrides", self.id or "") + pointer
        return self.source, WrittenStage(self.index, self.written).place(below)


def _named(written: Mapping[str, JSON], below: str) -> str:
    """A pointer below a stage, under the names that its author used."""
    stage = WrittenStage(0, written)
    return stage.place(below).removeprefix(stage.pointer)


def _gives(partial: JSON, pointer: str) -> bool:
    """Whether a partial stage has a say in what stands there: it gives it, or what is above it."""
    for step in steps(pointer):
        if not isinstance(partial, dict):
            return True
        if step not in partial:
            return False
        partial = partial[step]
    return True


def with_stages(inherited: Sequence[Slot], source: Source) -> list[Slot]:
    """The inherited stages with those of `source`: in their place where the ids are the same."""
    slots, places = list(inherited), _places(inherited)
    for index, written in enumerate(well_formed(source, "stages") or ()):
        slot = Slot(source, index, written, written)
        place = places.pop(slot.id, None)  # a second one of this id is a new one: a problem
        if place is None:
            slots.append(slot)
        else:
            slots[place] = slot
    return slots


def _places(slots: Sequence[Slot]) -> dict[str | None, int]:
    places = {slot.id: place for place, slot in reversed(list(enumerate(slots)))}
    places.pop(None, None)
    return places


class Overrides:
    """The overrides of one document, and what is wrong with them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._partials: Mapping[str, JSON] = well_formed(source, "overrides") or {}
        self._broken = {name: list(_shape_problems(name, p)) for name, p in self._partials.items()}

    def applied(self, slots: Sequence[Slot]) -> list[Slot]:
        """The stages with what is right in the overrides laid over them."""
        return [self._over(slot) if slot.id in self._partials else slot for slot in slots]

    def _over(self, slot: Slot) -> Slot:
        name = slot.id or ""
        partial = self._partials[name]
        if not isinstance(partial, dict):
            return slot
        wrong = {"id", *(steps(pointer)[0] for pointer, *_ in self._broken[name])}
        good = {member: value for member, value in partial.items() if member not in wrong}
        return slot.under(self._source, good)

    def problems(self, inherited: Sequence[Slot], complete: bool) -> Iterator[Found]:
        """What is wrong with them; `complete`: what is not among `inherited` does not exist."""
        known = {slot.id for slot in inherited}
        for name, broken in self._broken.items():
            at = wire.pointer("overrides", name)
            if complete and name not in known:
                message = f"There is no inherited stage {name[:100]!r}."
                yield Found(self._source, Problem(at, "unknown-override", message))
            for pointer, code, message in broken:
                yield Found(self._source, Problem(at + pointer, code, message))


def _shape_problems(name: str, partial: JSON) -> Iterator[Finding]:
    """What is wrong with a partial stage by itself, in pointers below it; it may lack anything."""
    if not isinstance(partial, dict):
        yield "", "wrong-type", "This must be an object: a part of a stage."
        return
    if partial.get("id", name) != name:
        yield "/id", "wrong-type", "An override cannot give a stage another id."
        partial = {member: value for member, value in partial.items() if member != "id"}
    stage = WrittenStage(0, partial)
    for pointer, code, message in stage.shape_problems():
        if code != "missing-field":
            yield pointer.removeprefix(stage.pointer), code, message
