"""One attempt of a stage: what its component sees, and how it opens bodies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.engine.reference.facts import BodyEnd, Error, Key, StageEnd, Write, error_of
from tests.engine.reference.language.basics import Broken, Lost
from tests.engine.reference.language.expressions import OWN_ROOTS, bare, evaluate, resolve
from tests.engine.reference.language.syntax import read
from tests.engine.reference.language.values import settled
from tests.engine.reference.layout import Body, is_expression

if TYPE_CHECKING:
    from tests.engine.reference.interpreter import Interpreter


@dataclass
class Opening:
    """One opening of a body. `roots` holds `error` where that exists."""

    body: Body
    parent: Opening | None = None
    path: tuple[int, ...] = ()
    round: int = 0
    names: dict[str, Any] = field(default_factory=dict)
    base: dict[str, Any] = field(default_factory=dict)
    roots: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, StageEnd] = field(default_factory=dict)

    def outwards(self) -> Iterator[Opening]:
        """This opening and those around it."""
        here: Opening | None = self
        while here is not None:
            yield here
            here = here.parent


class StageFailed(Exception):
    """An attempt failed; an owner may have written variables before."""

    def __init__(self, error: Error, writes: list[Write] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.writes = writes or []


class Attempt:
    """What the component of a stage is told, and what it may ask for."""

    def __init__(self, run: Interpreter, id: str, opening: Opening, failures: int = 0) -> None:
        self.run = run
        self.id = id
        self.opening = opening
        self.failures = failures
        self.stage = run.layout.stages[id]
        self.variables = run.variables(id, opening)

    def root(self, name: str) -> Any:
        """The value of a root. Raises Lost."""
        if name == "input":
            return self.run.input
        if name == "vars":
            return self.variables
        if name == "context":
            return {"stage_id": self.id, "attempt": self.failures + 1, **self.opening.names}
        if name == "error":
            found = (here.roots for here in self.opening.outwards() if "error" in here.roots)
            return next(found)["error"]
        if name not in self.opening.names:
            raise Lost(name)
        return self.opening.names[name]

    def upstream(self, stage_id: str) -> Any:
        """What a stage gave that this one depends on."""
        found = (here.ends for here in self.opening.outwards() if stage_id in here.ends)
        return next(found)[stage_id].seen()

    def config(self) -> dict[str, Any]:
        """The resolved config; expressions stay text."""
        kind = self.stage["component_type"]
        return {
            name: value if is_expression(kind, name) else self._guarded(resolve, value, self)
            for name, value in self.stage["config"].items()
        }

    def evaluated(self, expression: str, **roots: Any) -> Any:
        """The value of a bare expression."""
        return self._guarded(evaluate, read(bare(expression), OWN_ROOTS), _MoreNames(self, roots))

    def _guarded(self, act: Any, value: Any, names: Any) -> Any:
        try:
            return settled(act(value, names))
        except Broken:
            raise self.failed("EXPRESSION") from None

    def failed(self, type: str, writes: list[Write] | None = None) -> StageFailed:
        """The failure of this attempt."""
        return StageFailed(error_of(type, self.id), writes)

    def bodies(self) -> dict[str, Body]:
        """The bodies of this owner by name."""
        return {body.name: body for body in self.run.layout.bodies if body.owner == self.id}

    def open(
        self,
        body: Body,
        variables: dict[str, Any],
        index: int | None = None,
        names: dict[str, Any] | None = None,
        roots: dict[str, Any] | None = None,
    ) -> BodyEnd:
        """Runs a body of this owner."""
        here = self.opening
        path = here.path if index is None else (*here.path, index)
        round = self.run.round(self, body, path)
        inside = {**here.names, **(names or {})}
        return self.run.body(Opening(body, here, path, round, inside, variables, roots or {}))

    def skip(self, body: Body, reason: str, sure: bool = True) -> None:
        """Claims that a body was skipped as a whole, where it would have run."""
        path = self.opening.path
        round = self.run.round(self, body, path)
        self.run.skip([Key(id, path, round) for id in body.listed], reason, sure)
        if not sure:
            self.run.doubt_round(self, body)


class _MoreNames:
    """Names with some roots in front."""

    def __init__(self, names: Attempt, roots: dict[str, Any]) -> None:
        self._roots = roots
        self._names = names
        self.upstream = names.upstream

    def root(self, name: str) -> Any:
        """The value of a root. Raises Lost."""
        return self._roots[name] if name in self._roots else self._names.root(name)
