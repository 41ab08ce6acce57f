"""A plan: what the coordinator runs, with everything that can be known before a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.wire import JSON
from app.engine.component import Component
from app.engine.document import Document, Stage
from app.engine.expressions import Expression, Value


@dataclass(frozen=True, slots=True)
class Body:
    """Stages that run together: the whole document, or what an owner's field names.

    `stages` are in document order, `listed` as the owner names them.
    """

    owner: str | None
    name: str
    stages: tuple[str, ...]
    listed: tuple[str, ...]
    repeatable: bool = False
    loop: bool = False
    error: bool = False
    tells_rest: bool = False


@dataclass(frozen=True, slots=True)
class Reads:
    """What a stage by itself looks at.

    `stages`: those it depends on, wherever they lie (see `bitsets`). `input` and `variables`: the
    members of the two that it names, None for all of them; a setter reads what it overwrites.
    `error`: it uses that root.
    """

    stages: int = 0
    input: frozenset[str] | None = frozenset()
    variables: frozenset[str] | None = frozenset()
    error: bool = False


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage with everything that can be known before it runs.

    `needs`: every stage of its own body that must be finished first. `spreading`: those of them
    that count for `upstream_skipped` (not gates that name it, not dependencies by `vars` alone).
    `gates`: the stages that name it as one of their targets. `users`: the stages of its body that
    need it. `setters`: the variable_set stages of its body, or owners that hold some, whose writes
    it sees, in document order. `evaluates`: its component has expressions of its own. `sets`: the
    variable that it writes.
    """

    stage: Stage
    component: Component
    index: int  #: place in the document
    body: tuple[str | None, str]  #: key into Plan.bodies
    config: Value
    when: Expression | None = None
    needs: tuple[str, ...] = ()
    spreading: frozenset[str] = frozenset()
    gates: frozenset[str] = frozenset()
    users: tuple[str, ...] = ()
    setters: tuple[str, ...] = ()
    evaluates: bool = False
    reads: Reads = Reads()
    sets: str | None = None


ROOT = (None, "main")  #: the key of the outermost body


@dataclass(frozen=True, slots=True)
class Plan:
    """What the coordinator runs."""

    document: Document
    stages: Mapping[str, PlannedStage]
    bodies: Mapping[tuple[str | None, str], Body]
    order: tuple[str, ...]  #: topological, ties by document order
    terminal: tuple[str, ...] = field(default=())  #: stages outside bodies without users


def plan_view(plan: Plan) -> dict[str, JSON]:
    """The plan as the validate routes show it (contract 01)."""
    return {
        "order": list(plan.order),
        "dependencies": {name: list(stage.needs) for name, stage in plan.stages.items()},
        "owners": {name: s.body[0] for name, s in plan.stages.items() if s.body[0] is not None},
    }
