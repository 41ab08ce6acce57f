"""What must be finished before what: dependencies within each body (contract 01, Stage).

Every dependency joins two stages of one body: what a stage inside an owner needs from outside is
needed by the owner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.engine.planner import bitsets
from app.engine.planner.layout import BodyKey, Layout, Report
from app.engine.planner.links import Links, Named


@dataclass(slots=True)
class Flow:
    """Sets of stage indexes for each stage (see `bitsets`).

    `needs`: all that must be finished first. `spreading`: those of them that spread skipping.
    `gates`: those that decide whether it runs.
    `reach`: `needs`, directly or through others. `holders` are the stages that write variables or
    hold some that do. `named`: what a stage itself depends on, wherever that lies; what lies
    outside of its body is needed by its owner.
    """

    needs: list[int]
    spreading: list[int]
    gates: list[int]
    reach: list[int]
    holders: int
    named: list[int]


def flow_of(layout: Layout, links: Sequence[Links], report: Report) -> Flow:
    """The dependencies of all stages.

    Reports unknown ids, crosses-body and cycles, and leaves those out.
    """
    edges = _Edges(layout, report)
    written, gates = edges.read(links)
    hard = [written[i] | gates[i] for i in range(len(links))]
    order, cycles = bitsets.break_cycles(hard)
    dependents = bitsets.closure(bitsets.reverse(hard), reversed(order))
    data, seen, holders = _data_flow(layout, links, dependents)
    needs = [hard[i] | data[i] for i in range(len(links))]
    order, contradictions = bitsets.break_cycles(needs)
    for cycle in cycles + contradictions:
        _report_cycle(layout, cycle, report)
    spreading = [written[i] & hard[i] & ~gates[i] for i in range(len(links))]
    named = [edges.named[i] | gates[i] | seen[i] for i in range(len(links))]
    return Flow(needs, spreading, gates, bitsets.closure(needs, order), holders, named)


def _report_cycle(layout: Layout, cycle: list[int], report: Report) -> None:
    first = cycle.index(min(cycle))
    _report_path(layout, [*cycle[first:], *cycle[:first], cycle[first]], report)


def _report_path(layout: Layout, path: list[int], report: Report) -> None:
    names = " -> ".join(layout.ids[i] for i in path)
    report(path[0], "/depends_on", "cycle", f"These stages wait for each other: {names}")


class _Edges:
    """Dependencies by `depends_on` and `upstream`, and by gates, each within its body."""

    def __init__(self, layout: Layout, report: Report) -> None:
        self.layout = layout
        self.report = report
        self.written = [0] * len(layout.ids)
        self.gates = [0] * len(layout.ids)
        self.named = [0] * len(layout.ids)

    def read(self, links: Sequence[Links]) -> tuple[list[int], list[int]]:
        """Both kinds of dependencies of every stage."""
        for i, link in enumerate(links):
            for named in link.depends:
                self.need(i, named, "unknown-dependency")
            for named in link.upstream:
                self.need(i, named, "unknown-stage-reference")
            for named in link.gated:
                self.gate(i, named)
        return self.written, self.gates

    def need(self, i: int, named: Named, unknown: str) -> None:
        target = self.layout.index.get(named.name)
        if target is None:
            self.report(i, named.pointer, unknown, f"There is no stage {named.name!r}.")
            return
        stands = self.layout.standing_for(i, self.layout.body[target])
        if stands is None:
            self.report(i, named.pointer, "crosses-body", self.crossing(target))
        elif stands == target and i != target:
            _report_path(self.layout, [i, target, i], self.report)
        else:
            self.written[stands] |= 1 << target
            self.named[i] |= 1 << target

    def gate(self, i: int, named: Named) -> None:
        target = self.layout.index.get(named.name)
        if target is None:
            self.report(i, named.pointer, "unknown-target", f"There is no stage {named.name!r}.")
        elif self.layout.body[target] != self.layout.body[i]:
            self.report(i, named.pointer, "crosses-body", self.crossing(target))
        else:
            self.gates[target] |= 1 << i

    def crossing(self, target: int) -> str:
        """Why stage `target` cannot be reached."""
        name, owner = self.layout.ids[target], self.layout.owner(target)
        if owner is None:
            return f"Stage {name!r} lies outside of the body of this stage."
        return f"Stage {name!r} is run by {self.layout.ids[owner]!r}: refer to that stage instead."


def _data_flow(
    layout: Layout, links: Sequence[Links], dependents: list[int]
) -> tuple[list[int], list[int], int]:
    """Dependencies by `vars`, the same for each stage by itself, and the stages that hold setters.

    A stage needs the setters before it in the document, except those that depend on it. Both are
    compared in the body common to both, where an owner stands for all inside it.
    """
    setters, everything = _setters(layout, links)
    needs, seen = [0] * len(links), [0] * len(links)
    for i, link in enumerate(links):
        for mask_of in _read_by(link, setters, everything):
            for here in layout.outwards(i):
                before = mask_of.get(layout.body[here], 0) & ((1 << here) - 1)
                needs[here] |= before & ~dependents[here]
                seen[i] |= before & ~dependents[here]
    holders = 0
    for mask in everything.values():
        holders |= mask
    return needs, seen, holders


Masks = dict[BodyKey, int]  #: body -> the stages of it that hold a setter


def _setters(layout: Layout, links: Sequence[Links]) -> tuple[dict[str, Masks], Masks]:
    """Where the setters of each variable are, and all of them."""
    named: dict[str, Masks] = defaultdict(lambda: defaultdict(int))
    everything: Masks = defaultdict(int)
    for i, link in enumerate(links):
        if link.sets is not None:
            for here in layout.outwards(i):
                named[link.sets][layout.body[here]] |= 1 << here
                everything[layout.body[here]] |= 1 << here
    return named, everything


def _read_by(link: Links, setters: dict[str, Masks], everything: Masks) -> Iterator[Masks]:
    if link.all_variables:
        yield everything
    for name in link.variables:
        if name in setters:
            yield setters[name]
