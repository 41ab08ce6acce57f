"""How much work a schema can make of each part of a value.

The engine under `compiler` asks a subschema as often as paths lead to it: twenty definitions that
each name the next twice ask the last a million times, and nothing can interrupt it. So the paths
are counted before a schema is used.
"""

from __future__ import annotations

from collections import Counter, deque

from app.core.wire import MAX_DEPTH
from app.engine.schema.graph import Node, SchemaError, SchemaGraph, Weights

MAX_WEIGHT = 20_000
_MAX_LOOKS = 40_000  # about half a second, in which the process does nothing else


class _Count:
    """Follows a schema down to the deepest value there can be; equal questions are asked once."""

    def __init__(self, schema: Node) -> None:
        self._graph = SchemaGraph(schema)
        self._looks = 0
        self.heaviest = 0

    def run(self) -> int:
        start: Weights = Counter({self._graph.root: 1})
        waiting = deque([(start, 0)])
        seen = {frozenset(start.items())}
        while waiting:
            asked, depth = waiting.popleft()
            everything = self._closed(asked)
            for part in self._graph.parts(everything) if depth < MAX_DEPTH else ():
                self._look(len(everything))
                mark = frozenset(part.items())
                if mark not in seen:
                    seen.add(mark)
                    waiting.append((part, depth + 1))
        return self.heaviest

    def _closed(self, asked: Weights) -> Weights:
        """With everything that these subschemas ask about the same value."""
        total = Counter(asked)
        weight = 0
        for number in self._ordered(asked):
            times = total[number]
            weight += times * self._graph.cost(number)
            if weight > MAX_WEIGHT:
                raise SchemaError("The schema combines its parts in too many ways.")
            for child in self._graph.beside(number):
                total[child] += times
        self.heaviest = max(self.heaviest, weight)
        return total

    def _ordered(self, asked: Weights) -> list[int]:
        """Everything reachable without going into the value, askers first."""
        done: list[int] = []
        state: dict[int, bool] = {}  # False while its own questions are being followed
        stack = [(number, False) for number in asked]
        while stack:
            number, left = stack.pop()
            if left:
                state[number] = True
                done.append(number)
            elif number not in state:
                state[number] = False
                stack.append((number, True))
                children = set(self._graph.beside(number))
                self._look(len(children) + 1)
                if any(state.get(child) is False for child in children):
                    raise SchemaError("The schema refers to itself without end.")
                stack.extend((child, False) for child in children)
        return done[::-1]

    def _look(self, times: int) -> None:
        self._looks += times
        if self._looks > _MAX_LOOKS:
            raise SchemaError("The schema is too complex.")


def weight_of(schema: Node) -> int:
    """At most how many subschemas judge any one part of a value.

    Raises SchemaError when they are too many, when the schema refers to itself without end or
    outside of itself.
    """
    return _Count(schema).run()
