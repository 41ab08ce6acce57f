"""Variables that stages wrote, on their way to the stages that see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.core.wire import JSON

#: (variable, whether it stays in its iteration) -> value, in the order of writing. A variable can
#: be there twice: inside of the iteration the later counts, behind it only the one that does not
#: stay.
Writes = Mapping[tuple[str, bool], JSON]


def merge(parts: Iterable[Writes]) -> Writes:
    """All of these writes, the later parts last."""
    merged: dict[tuple[str, bool], JSON] = {}
    for writes in parts:
        for place, value in writes.items():
            merged.pop(place, None)
            merged[place] = value
    return merged


def leaving_loop(writes: Writes) -> Writes:
    """What is left of an iteration's writes behind it."""
    return {place: value for place, value in writes.items() if not place[1]}


def with_writes(variables: Mapping[str, JSON], writes: Writes) -> dict[str, JSON]:
    """The variables as they are after these writes."""
    return {**variables, **{name: value for (name, _), value in writes.items()}}
