"""What random documents are about."""

from __future__ import annotations

from dataclasses import dataclass

from app.components import built_in

#: The input that documents are run with.
INPUT = {"n": 1, "flag": True, "list": [0, 1, 2], "o": {"k": "v"}}
ERRORS = ("EXECUTION", "CONNECTIVITY", "TIMEOUT", "ROUTING", "VALIDATION")
SIMPLE = ("give", "work", "variable_set", "json_transform", "logger", "filter", "loop")
OWNERS = ("foreach", "retry", "trycatch", "parallel", "timeout")
GATES = ("conditional", "router", "switch_router")
LEAVING = ("break_loop", "continue_loop", "return")
VARIABLES = ("a", "b")

REGISTERED = {component.type for component in built_in()} | {"give", "work"}


@dataclass(frozen=True)
class Theme:
    """What a document is mostly about; percentages of how often that comes up."""

    kinds: tuple[str, ...]
    failing: int = 15
    retrying: int = 15
    reading: int = 20  # values that come from variables
    waiting: int = 30  # stages with `depends_on`
    conditional: int = 20  # stages with `when`
    shuffled: int = 40  # documents in another order than that of the dependencies


THEMES = {
    "everything": Theme((*SIMPLE, *OWNERS, *GATES, *LEAVING)),
    "variables": Theme(("variable_set", "give", "work", *OWNERS), reading=60, failing=5),
    "failures": Theme(("work", "give", "variable_set", *OWNERS), failing=40, retrying=30),
    "gates": Theme(("give", "work", *GATES, "foreach", "return"), failing=5, conditional=30),
    "loops": Theme(("give", "variable_set", "foreach", "retry", *LEAVING[:2]), reading=40),
    "values": Theme(SIMPLE, reading=30),
}
