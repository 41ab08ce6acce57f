"""How stages influence each other beyond what orders them: through owners, passes and errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.engine.planner import bitsets
from app.engine.planner.plan import ROOT, Body, Plan, PlannedStage

BodyKey = tuple[str | None, str]


class Influence:
    """`sources[i]`: the nodes that stage i depends on by itself.

    Nodes are numbered (see `bitsets`): stage i of n is i, and n + i is what it resolves its own
    inputs from, apart from what it runs. An owner depends on all that it runs; what it runs does
    not depend on it, except where an earlier pass of a body hands variables to a later one.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stages = list(plan.stages.values())
        self._inside: dict[BodyKey, int] = dict.fromkeys(plan.bodies, 0)
        self._below = [0] * len(self._stages)
        self._fill()
        self._earlier = self._bodies_before()
        self._writers = self._all_writers()
        self._views = {key: self._view(body) for key, body in plan.bodies.items()}
        own = [self._directly(stage) for stage in self._stages]
        whole = [mask | inside for mask, inside in zip(own, self._below, strict=True)]
        self.sources = whole + own

    def mask(self, ids: Iterable[str], *, with_inputs: bool = False) -> int:
        """The nodes of these stages; with those of their own inputs, too, when asked for."""
        mask = 0
        for id in ids:
            bit = 1 << self._plan.stages[id].index
            mask |= bit | bit << len(self._stages) if with_inputs else bit
        return mask

    def names(self, mask: int) -> Iterator[str]:
        """The stages among these nodes."""
        everything = (1 << len(self._stages)) - 1
        return (self._stages[i].stage.id for i in bitsets.members(mask & everything))

    def order(self) -> list[int]:
        """All nodes as a run comes to them: an owner's inputs, what it runs, the owner's end."""
        begins = {self._plan.stages[id].index: at for at, id in enumerate(self._plan.order)}
        ends = dict(begins)
        for id in reversed(self._plan.order):  # what an owner runs comes before it
            stage = self._plan.stages[id]
            if stage.body[0] is not None:
                owner = self._plan.stages[stage.body[0]].index
                ends[owner] = max(ends[owner], ends[stage.index])
        inputs = [(at, -at - 1, len(begins) + i) for i, at in begins.items()]
        whole = [(ends[i], -at, i) for i, at in begins.items()]
        return [node for _, _, node in sorted(inputs + whole)]

    def _fill(self) -> None:
        """What lies in each body and below each stage, at any depth."""
        for id in reversed(self._plan.order):
            stage = self._plan.stages[id]
            mask = 1 << stage.index | self._below[stage.index]
            self._inside[stage.body] |= mask
            owner = stage.body[0]
            if owner is not None:
                self._below[self._plan.stages[owner].index] |= mask

    def _bodies_before(self) -> dict[BodyKey, int]:
        """What lies in the bodies of the same owner that come before each body."""
        earlier: dict[BodyKey, int] = {}
        so_far: dict[str | None, int] = {}
        for key, mask in self._inside.items():
            earlier[key] = so_far.get(key[0], 0)
            so_far[key[0]] = earlier[key] | mask
        return earlier

    def _all_writers(self) -> dict[str, int]:
        """The setters of each variable, and the owners around them."""
        writers: dict[str, int] = {}
        for stage in self._stages:
            if stage.sets is not None:
                mask = writers.get(stage.sets, 0) | 1 << stage.index
                for body in self._around(stage):
                    mask |= self._bit(body.owner)
                writers[stage.sets] = mask
        return writers

    def _view(self, body: Body) -> int:
        """The setters whose variables a body begins with."""
        return self.mask(self._plan.stages[body.owner].setters) if body.owner else 0

    def _bit(self, owner: str | None) -> int:
        return 0 if owner is None else 1 << self._plan.stages[owner].index

    def _around(self, stage: PlannedStage) -> Iterator[Body]:
        """The bodies around a stage, inside out, without the outermost."""
        while stage.body != ROOT:
            body = self._plan.bodies[stage.body]
            yield body
            assert body.owner is not None
            stage = self._plan.stages[body.owner]

    def _directly(self, stage: PlannedStage) -> int:
        """What a stage names or reads, and what it is given by the bodies that it lies in."""
        mask, errors_from = stage.reads.stages, stage.reads.error
        writers = self._writers_for(stage)
        for body in self._around(stage):
            key = (body.owner, body.name)
            # Those that the owner sees only because another stage inside needs them count, too.
            mask |= self._views[key] & writers
            if (body.loop or body.repeatable) and self._inside[key] & writers:
                # Which passes came before is for what the owner itself depends on to say.
                mask |= self._inside[key] & writers | self._bit(body.owner) << len(self._stages)
            if body.error and (errors_from or self._earlier[key] & writers):
                mask |= self._earlier[key]
            errors_from = errors_from and not body.error
        return mask

    def _writers_for(self, stage: PlannedStage) -> int:
        names = stage.reads.variables
        mask = 0
        for name in self._writers if names is None else names:
            mask |= self._writers.get(name, 0)
        return mask
