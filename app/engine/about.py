"""What people see of a component in the registry; running knows nothing of it (contract 09)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.core.wire import JSON


class ComponentKind(StrEnum):
    """The family of a component, as contract 02 groups them."""

    NODE = "node"
    OPERATOR = "operator"
    CONTROL_FLOW = "control_flow"
    CONNECTOR = "connector"
    TRANSFORMER = "transformer"


class Category(StrEnum):
    """What somebody looks for a component by, each with its meaning.

    Packages may have categories of their own.
    """

    meaning: str

    AI = "ai", "asks a language model, or embeds text"
    COMPOSITION = "composition", "runs pipelines or several bodies as one stage"
    DATA = "data", "reshapes, filters or checks values"
    DELIVERY = "delivery", "sends results and errors to destinations"
    INTEGRATION = "integration", "talks to another system"
    ITERATION = "iteration", "repeats stages over items"
    OBSERVABILITY = "observability", "tells what goes on"
    RELIABILITY = "reliability", "tries again, bounds time, catches errors"
    ROUTING = "routing", "decides which stages run"
    STATE = "state", "remembers values during a run"
    STORAGE = "storage", "reads and writes files and databases"

    def __new__(cls, value: str, meaning: str) -> Category:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


@dataclass(frozen=True, slots=True)
class Example:
    """A config, and the output that it gives. Of a pure component the config is constant."""

    config: Mapping[str, JSON]
    output: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class About:
    """The entry of a component in the registry.

    `name` and `description` (a sentence) are prose. `icon` is a name of lucide.dev, `color` a
    `#rrggbb`.
    """

    name: str = ""
    description: str = ""
    kind: ComponentKind = ComponentKind.OPERATOR
    category: str = ""
    icon: str = "box"
    color: str = "#64748b"
    tags: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    version: str = "1.0.0"
    package_name: str = "core"
    author: str | None = None
    requires_llm: bool = False
    supports_streaming: bool = False
