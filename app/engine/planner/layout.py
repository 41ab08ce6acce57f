"""Which stage lies in which body: owners, their bodies, and the way outwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.engine.owner import BodyField
from app.engine.planner.links import Links, ListedBody

Report = Callable[[int, str, str, str], None]  #: stage index, pointer below it, code, sentence
BodyKey = tuple[int | None, str]

ROOT_BODY: BodyKey = (None, "main")


class Place(NamedTuple):
    """Whether some body around a stage is a loop's, and whether one has the root `error`."""

    in_loop: bool = False
    has_error: bool = False


@dataclass(slots=True)
class Layout:
    """`body[i]` is the body that stage i lies in; `rules` and `listed` tell of each owned body,
    `running` are the stages that have some."""

    ids: Sequence[str]
    index: dict[str, int]
    body: list[BodyKey]
    rules: dict[BodyKey, BodyField] = field(default_factory=dict)
    listed: dict[BodyKey, list[int]] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    _places: dict[BodyKey, Place] = field(default_factory=lambda: {ROOT_BODY: Place()})

    def owner(self, i: int) -> int | None:
        """The stage that runs stage i, or None."""
        return self.body[i][0]

    def outwards(self, i: int) -> Iterator[int]:
        """Stage i, its owner, the owner of that, and so on."""
        here: int | None = i
        while here is not None:
            yield here
            here = self.owner(here)

    def standing_for(self, i: int, body: BodyKey) -> int | None:
        """The stage of `body` that is stage i or holds it; None when i lies elsewhere."""
        return next((here for here in self.outwards(i) if self.body[here] == body), None)

    def place(self, i: int) -> Place:
        """What the bodies around stage i are."""
        unknown = []
        for here in self.outwards(i):
            if self.body[here] in self._places:
                break
            unknown.append(self.body[here])
        for body in reversed(unknown):
            owner, rule = body[0], self.rules[body]
            around = self._places[self.body[owner]] if owner is not None else Place()
            self._places[body] = Place(around.in_loop or rule.loop, around.has_error or rule.error)
        return self._places[self.body[i]]


def lay_out(ids: Sequence[str], links: Sequence[Links], report: Report) -> Layout:
    """Puts every stage into its body. Of stages with the same id the first is meant.

    Reports unknown-target, owned-twice and cycles of ownership, and leaves those out.
    """
    index: dict[str, int] = {}
    for i, name in enumerate(ids):
        index.setdefault(name, i)
    layout = Layout(ids, index, [ROOT_BODY] * len(ids))
    for owner, link in enumerate(links):
        for body in link.bodies:
            _place(layout, owner, body, report)
    return layout


def _place(layout: Layout, owner: int, body: ListedBody, report: Report) -> None:
    key = (owner, body.name)
    layout.rules[key] = body.rule
    members = layout.listed.setdefault(key, [])
    for pointer, name in body.members:
        i = layout.index.get(name)
        if i is None:
            report(owner, pointer, "unknown-target", f"There is no stage {name!r}.")
        elif layout.body[i] != ROOT_BODY:
            holder = layout.ids[layout.body[i][0] or 0]
            report(owner, pointer, "owned-twice", f"Stage {name!r} is already owned by {holder!r}.")
        elif _holds(layout, i, owner):
            circle = [layout.ids[h] for h in _until(layout, owner, i)]
            path = " -> ".join([*reversed(circle), name])
            report(owner, pointer, "cycle", f"These stages own each other: {path}.")
        else:
            layout.body[i] = key
            layout.running.add(owner)
            members.append(i)


def _holds(layout: Layout, i: int, owner: int) -> bool:
    """Whether stage i is `owner` or runs it, through others or itself."""
    # Only what runs something already is worth the way outwards.
    return i == owner or (i in layout.running and i in layout.outwards(owner))


def _until(layout: Layout, start: int, end: int) -> Iterator[int]:
    for here in layout.outwards(start):
        yield here
        if here == end:
            return
