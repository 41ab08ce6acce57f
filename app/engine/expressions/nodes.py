"""What each form of the grammar does when it is evaluated: closures over closures.

A node's `cost` is the number of nodes that are evaluated whenever it is; parts that may be skipped
pay for themselves when they are entered. A Missing passes through every node up to a `default`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.core.wire import JSON
from app.engine.expressions.evaluation import Missing, State
from app.engine.expressions.operators import Operation, checked, element, member, number

Run = Callable[[State], JSON]
Step = Callable[[State, JSON], JSON]


class Node(NamedTuple):
    """A part of an expression, ready to run."""

    run: Run
    cost: int


class Absent:
    """Stands for a value that is missing, between its place and the `default` that forgives it."""


ABSENT = Absent()


def constant(value: JSON) -> Node:
    """A literal."""
    return Node(lambda state: value, 1)


def root(name: str, keys: Sequence[str]) -> Node:
    """A root, and the members that follow it."""

    def run(state: State) -> JSON:
        try:
            value = state.names.root(name)
        except KeyError:
            raise Missing(f"there is no {name}") from None
        for key in keys:
            try:
                value = value[key] if type(value) is dict else member(value, key)
            except KeyError:
                member(value, key)
        return value

    return Node(run, 1 + len(keys))


def upstream(stage_id: str) -> Node:
    """The output of a stage."""

    def run(state: State) -> JSON:
        try:
            return state.names.upstream(stage_id)
        except KeyError:
            raise Missing(f"there is no output of the stage {stage_id!r}") from None

    return Node(run, 1)


def member_step(name: str) -> Step:
    """`.name`"""
    return lambda state, value: member(value, name)


def element_step(index: Node) -> Step:
    """`[index]`"""
    run = index.run
    return lambda state, value: element(value, run(state))


def call_step(call: Callable[..., JSON], arguments: Sequence[Node]) -> Step:
    """A function of what stands before it and of `arguments`."""
    runs = [argument.run for argument in arguments]
    if not runs:
        return call
    if len(runs) == 1:
        only = runs[0]
        return lambda state, value: call(state, value, only(state))
    return lambda state, value: call(state, value, *[run(state) for run in runs])


def default_step(otherwise: Node) -> Step:
    """The value, or `otherwise`, which is evaluated only then."""
    entered = branch(otherwise)

    def step(state: State, value: JSON) -> JSON:
        return entered(state) if value is ABSENT or value is None else value

    return step


def defined_step(state: State, value: JSON) -> JSON:
    """Whether there is a value, and not null."""
    return value is not ABSENT and value is not None


def chain(base: Node, steps: Sequence[Step], forgiving: Sequence[int], cost: int) -> Node:
    """`base` and what follows it; `forgiving` are the places of those steps that take ABSENT."""
    first = base.run
    if forgiving:
        return Node(_forgiving_chain(first, steps, forgiving), cost)

    def run(state: State) -> JSON:
        value = first(state)
        for step in steps:
            value = step(state, value)
        return value

    return Node(run, cost)


def _forgiving_chain(first: Run, steps: Sequence[Step], forgiving: Sequence[int]) -> Run:
    # One loop instead of nested `try`: a chain may have hundreds of filters.
    every: list[Step] = [lambda state, value: first(state), *steps]
    rescues = [at + 1 for at in forgiving]

    def run(state: State) -> JSON:
        at, value = 0, None
        while at < len(every):
            try:
                value = every[at](state, value)
                at += 1
            except Missing:
                later = next((rescue for rescue in rescues if rescue > at), None)
                if later is None:
                    raise
                at, value = later, ABSENT
        return value

    return run


def branch(node: Node) -> Run:
    """A part that may be skipped: it pays when it is entered."""
    run, cost = node

    def entered(state: State) -> JSON:
        state.steps -= cost
        return run(state)

    return entered


def binary(first: Node, rest: Sequence[tuple[Operation, Node]]) -> Node:
    """Operators of one precedence, from the left."""
    cost = first.cost + sum(node.cost + 1 for _, node in rest)
    left = first.run
    if len(rest) == 1:
        operation, right = rest[0][0], rest[0][1].run
        return Node(lambda state: operation(state, left(state), right(state)), cost)
    runs = [(operation, node.run) for operation, node in rest]

    def run(state: State) -> JSON:
        value = left(state)
        for operation, right in runs:
            value = operation(state, value, right(state))
        return value

    return Node(run, cost)


def deciding(nodes: Sequence[Node], wanted: bool) -> Node:
    """`or` (`wanted` true) and `and`: the first operand of that truth, else the last."""
    first = nodes[0].run
    rest = [branch(node) for node in nodes[1:]]

    def run(state: State) -> JSON:
        value = first(state)
        for other in rest:
            if bool(value) is wanted:
                break
            value = other(state)
        return value

    return Node(run, nodes[0].cost + 1)


def negation(operand: Node) -> Node:
    """`not`"""
    run = operand.run
    return Node(lambda state: not run(state), operand.cost + 1)


def minus(operand: Node) -> Node:
    """`-`"""
    run = operand.run
    return Node(lambda state: checked(-number(run(state))), operand.cost + 1)


def conditional(choices: Sequence[tuple[Node, Node]], otherwise: Node) -> Node:
    """Pairs of condition and value; only the chosen value is evaluated."""
    runs = [(branch(condition), branch(value)) for condition, value in choices]
    last = branch(otherwise)

    def run(state: State) -> JSON:
        for condition, value in runs:
            if condition(state):
                return value(state)
        return last(state)

    return Node(run, len(choices))


def array(elements: Sequence[Node]) -> Node:
    """`[a, b]`"""
    runs = [node.run for node in elements]

    def run(state: State) -> JSON:
        return state.gathered([each(state) for each in runs])

    return Node(run, 1 + sum(node.cost for node in elements))


def object_(members: Sequence[tuple[str, Node]]) -> Node:
    """`{"a": b}`"""
    runs = [(name, node.run) for name, node in members]

    def run(state: State) -> JSON:
        return state.gathered({name: each(state) for name, each in runs})

    return Node(run, 1 + sum(node.cost for _, node in members))
