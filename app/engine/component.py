"""How a component declares itself, and the registry that knows them all.

The same declaration serves validation at save, coercion at run time and the registry's schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import ClassVar

from app.core.wire import JSON
from app.engine.about import About
from app.engine.context import StageContext


class Kind(StrEnum):
    """The JSON kind that a field takes."""

    ANY = "any"
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    EXPRESSION = "expression"  #: a bare expression, evaluated by the component itself


class Effect(StrEnum):
    """What running a stage may do to the world (contract 02)."""

    PURE = "pure"
    MODEL = "model"
    EFFECTFUL = "effectful"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Field:
    """One input or output of a component.

    An absent input takes `default`; a null one too, unless its kind is ANY. A `required` output is
    always there, and not null unless its kind is ANY; another may be null or absent. `low` and
    `high` bound a number, or the length of a text or array. `items` is the form of array elements
    and object members; `members` are the only ones that an object may have. `constant` refuses
    templates. `pattern` is our own and matches the whole text. `roots` are the names an expression
    may use beside the common ones. `stages` marks stage ids: ownership or gates.
    """

    kind: Kind = Kind.ANY
    required: bool = False
    default: JSON = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    items: Field | None = None
    members: Mapping[str, Field] | None = None
    variants: tuple[Field, ...] = ()
    constant: bool = False
    pattern: str | None = None
    roots: frozenset[str] = frozenset()
    stages: bool = False
    description: str = ""


class Component:
    """A kind of stage. Subclasses declare themselves and implement `run`.

    `fields` are its inputs, `outputs` the members of what `run` gives; `about` is its entry in the
    registry. A component with `inline` is pure and cheap: the coordinator runs it on the spot,
    without the pool; `runs_inline` may say otherwise of an attempt. `reads_back`: the coordinator
    heeds its output beyond storing it, and needs it again when a run is rebuilt (gates, variables).
    `loop_control`: the member of the output that, when true, ends the iteration (`continued`) or
    the whole loop (`broken`). `run_control`: the member of the output that, when true, ends the run
    (see `operators.leave`). `awaits_child`: another run gives its output, which whoever drives this
    one executes or waits for.
    """

    type: ClassVar[str]
    about: ClassVar[About] = About()
    effect: ClassVar[Effect] = Effect.PURE
    inline: ClassVar[bool] = False
    reads_back: ClassVar[bool] = False
    loop_control: ClassVar[str | None] = None
    run_control: ClassVar[str | None] = None
    awaits_child: ClassVar[bool] = False
    fields: ClassVar[Mapping[str, Field]] = {}
    outputs: ClassVar[Mapping[str, Field]] = {}
    timeout_ms: ClassVar[int | None] = 30_000

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The output of one attempt.

        Raises StageError for what its author can understand, Stopped when abandoned.
        """
        raise TypeError(f"{self.type} does not run by itself")

    def runs_inline(self, inputs: SimpleNamespace) -> bool:
        """Whether this attempt is cheap enough to be run on the spot."""
        return self.inline

    def timeout_of(self, inputs: SimpleNamespace) -> int | None:
        """Milliseconds that an attempt may take when the stage sets no timeout_ms."""
        return self.timeout_ms

    def variables(
        self, config: Mapping[str, JSON], output: JSON
    ) -> Mapping[str, tuple[JSON, bool]]:
        """What a completed stage wrote: name -> value, and whether it stays in its iteration.

        `config` is the stage's as written: only its constants tell anything.
        """
        return {}

    def closes(self, config: Mapping[str, JSON], output: JSON) -> Iterable[str]:
        """The stages that a gate keeps from running, of those that its config names.

        `output` is null for a gate that failed and let the run go on: it chose none of them.
        """
        return ()

    def reads_variables(self, config: Mapping[str, JSON]) -> bool:
        """Whether the stage takes along all variables, whatever its expressions name."""
        return False

    @classmethod
    def check_config(cls, config: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
        """Field name and sentence of each constant that is wrong in a way its Field cannot say."""
        return iter(())


class Registry:
    """The component types that documents may name."""

    def __init__(self, components: Mapping[str, Component] | None = None) -> None:
        self._components = dict(components or {})

    def add(self, component: Component) -> None:
        """Makes a component known under its type."""
        self._components[component.type] = component

    def find(self, component_type: str) -> Component | None:
        """The component of this type, or None."""
        return self._components.get(component_type)

    def __iter__(self) -> Iterator[Component]:
        return iter(self._components.values())
