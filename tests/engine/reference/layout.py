"""Bodies and dependencies of a document, read off contract 01's section on stages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.engine.reference.language.expressions import OWN_ROOTS, bare, parts, trees_in
from tests.engine.reference.language.syntax import Tree, read

#: owner -> its fields that name bodies
BODIES = {
    "foreach": ["loop_stages"],
    "trycatch": ["try_stages", "catch_stages", "finally_stages"],
    "retry": ["task"],
    "timeout": ["task", "fallback_task"],
    "parallel": ["tasks"],
}
REPEATABLE = {("trycatch", "try_stages"), ("retry", "task")}
EXPRESSIONS = {"condition_expression", "filter_expression", "value_expression"}


class Body(NamedTuple):
    """Stages that run together; `listed` as the owner names them."""

    owner: str | None
    name: str
    listed: list[str]


class CyclicDocument(Exception):
    """Stages wait for each other."""


class Layout:
    """Where each stage lies, and what it waits for."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.stages = {stage["id"]: stage for stage in document["stages"]}
        self.place = {id: at for at, id in enumerate(self.stages)}
        self.bodies = [Body(None, "main", []), *self._owned()]
        self.home = {id: body for body in self.bodies[1:] for id in body.listed}
        root = [id for id in self.stages if id not in self.home]
        self.bodies[0] = Body(None, "main", root)
        self.home.update(dict.fromkeys(root, self.bodies[0]))
        self.gates: dict[str, set[str]] = {id: set() for id in self.stages}  # target -> gates
        self.written: dict[str, set[str]] = {id: set() for id in self.stages}
        self._read_hard()
        self.data: dict[str, set[str]] = {id: set() for id in self.stages}
        self._read_data()
        self.needs = {id: self.written[id] | self.gates[id] | self.data[id] for id in self.stages}
        self.closure = {id: self._reached(id, self.needs) for id in self.stages}
        if any(id in self.closure[id] for id in self.stages):
            raise CyclicDocument

    def bodies_of(self, owner: str) -> list[Body]:
        """The bodies of an owner, in the order that they are named."""
        return [body for body in self.bodies if body.owner == owner]

    def outwards(self, id: str) -> Iterator[str]:
        """The stage, its owner, the owner of that."""
        here: str | None = id
        while here is not None:
            yield here
            here = self.home[here].owner

    def spreading(self, id: str) -> set[str]:
        """The dependencies that spread skipping."""
        return self.written[id] - self.gates[id]

    def in_order(self, body: Body) -> list[str]:
        """The stages of a body, each after what it needs."""
        done: list[str] = []
        while len(done) < len(body.listed):
            done += [id for id in body.listed if id not in done and self.needs[id] <= {*done}][:1]
        return done

    def is_repeatable(self, body: Body) -> bool:
        owner = body.owner and self.stages[body.owner]["component_type"]
        return (owner, body.name) in REPEATABLE

    def setters(self, body: Body) -> set[str]:
        """The stages of a body that set variables, or hold some that do."""
        return {id for id in body.listed if any(self._sets(inner) for inner in self._inside(id))}

    def _inside(self, id: str) -> Iterator[str]:
        return (inner for inner in self.stages if id in self.outwards(inner))

    def _sets(self, id: str) -> str | None:
        stage = self.stages[id]
        is_setter = stage["component_type"] == "variable_set"
        return stage["config"]["name"] if is_setter else None

    def _owned(self) -> Iterator[Body]:
        for id, stage in self.stages.items():
            for name in BODIES.get(stage["component_type"], ()):
                value = stage["config"].get(name) or []
                if name == "tasks":
                    for at, task in enumerate(value):
                        yield Body(id, f"tasks.{at}", [task] if isinstance(task, str) else task)
                else:
                    yield Body(id, name, [value] if isinstance(value, str) else value)

    def _representative(self, id: str, body: Body) -> str | None:
        """The stage of `body` that is this one or holds it."""
        return next((here for here in self.outwards(id) if self.home[here] is body), None)

    def _read_hard(self) -> None:
        for id, stage in self.stages.items():
            named = {tree[1] for tree in trees_of(stage) if tree[0] == "upstream"}
            for other in {*stage.get("depends_on", ()), *named}:
                here = self._representative(id, self.home[other])
                assert here is not None, f"{id} refers to {other} across bodies"
                self.written[here].add(other)
            for target in gate_targets(stage):
                self.gates[target].add(id)

    def _read_data(self) -> None:
        hard = {id: self.written[id] | self.gates[id] for id in self.stages}
        depends = {id: self._reached(id, hard) for id in self.stages}
        for id, stage in self.stages.items():
            names, everything = variables_of(stage)
            for setter in self.stages:
                name = self._sets(setter)
                if setter == id or name is None or not (everything or name in names):
                    continue
                here, there = self._meeting(id, setter)
                earlier = self.place[there] < self.place[here]
                if here != there and earlier and here not in depends[there]:
                    self.data[here].add(there)

    def _meeting(self, id: str, other: str) -> tuple[str, str]:
        """What stands for both in the innermost body that holds both."""
        for here in self.outwards(id):
            there = self._representative(other, self.home[here])
            if there is not None:
                return here, there
        raise AssertionError("the outermost body holds every stage")

    @staticmethod
    def _reached(id: str, needs: dict[str, set[str]]) -> set[str]:
        found: set[str] = set()
        todo = list(needs[id])
        while todo:
            here = todo.pop()
            if here not in found:
                found.add(here)
                todo += needs[here]
        return found


def trees_of(stage: dict[str, Any]) -> list[Tree]:
    """All parts of all expressions that a stage holds."""
    found: list[Tree] = []
    if stage.get("when") is not None:
        found += parts(read(bare(stage["when"]), OWN_ROOTS))
    for name, value in stage["config"].items():
        if is_expression(stage["component_type"], name):
            found += parts(read(bare(value), OWN_ROOTS)) if value is not None else []
        else:
            found += (part for tree in trees_in(value) for part in parts(tree))
    return found


def is_expression(component_type: str, field: str) -> bool:
    """Whether a field holds a bare expression."""
    return field in EXPRESSIONS or (component_type, field) == ("filter", "condition")


def variables_of(stage: dict[str, Any]) -> tuple[set[str], bool]:
    """The variables that a stage depends on by name, and whether it uses `vars` as a whole."""
    trees = trees_of(stage)
    members = [tree for tree in trees if tree[0] == "member" and tree[1] == ("root", "vars")]
    names = {tree[2][1] for tree in members if tree[2][0] == "constant"}
    whole = sum(tree == ("root", "vars") for tree in trees)
    named = sum(tree[2][0] == "constant" for tree in members)
    if stage["component_type"] == "variable_set":
        names.add(stage["config"]["name"])
    return names, whole > named


def gate_targets(stage: dict[str, Any]) -> set[str]:
    """The stages that a gate may skip."""
    config, kind = stage["config"], stage["component_type"]
    if kind == "conditional":
        return {*config.get("true_branch_stages", ()), *config.get("false_branch_stages", ())}
    if kind == "router":
        return {*config.get("default_route", ()), *sum(config["routes"].values(), [])}
    if kind == "switch_router":
        named = {case["route"] for case in config["cases"]}
        return named | ({config["default_route"]} if config.get("default_route") else set())
    return set()
