"""Random expressions as text, with no more brackets than the grammar asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

VALUES: dict[str, Any] = {
    "n": 5,
    "f": -2.5,
    "big": 2**63 - 1,
    "s": "a,B c",
    "t": True,
    "z": None,
    "l": [1, 1.0, True, "b", None, [2], {"a": 1}],
    "nums": [3, 1.5, -2, 3],
    "words": ["b", "a", "B", "a"],
    "rows": [{"a": 2, "o": {"k": "x"}}, {"a": 1, "o": {"k": "y"}}, {"a": 2.0}],
    "o": {"n": 1, "s": "x", "o": {"n": 2, "l": [7]}, "if": 3},
}
UPSTREAM: dict[str, Any] = {"st": {"n": 9, "body": [1]}, "off": None}

#: What each function takes: text, list, number, object, anything, a path, a small integer.
TAKES = {
    "default": "aa", "defined": "a", "length": "a", "len": "l", "upper": "t", "lower": "t",
    "title": "t", "trim": "t", "replace": "ttt", "split": "tt", "join": "lt", "startswith": "tt",
    "endswith": "tt", "contains": "aa", "slice": "lii", "string": "a", "str": "n", "int": "a",
    "float": "a", "bool": "a", "abs": "n", "floor": "n", "ceil": "n", "round": "ni", "min": "l",
    "max": "l", "sum": "l", "first": "l", "last": "l", "sort": "lp", "reverse": "l", "unique": "l",
    "flatten": "l", "range": "ii", "keys": "o", "values": "o", "get": "apa", "merge": "oo",
    "map": "lp", "where": "lpa", "any": "l", "all": "l", "tojson": "a", "fromjson": "t",
    "urlencode": "t", "b64encode": "t", "b64decode": "t", "sha256": "t",
}  # fmt: skip
FEWER = {"join", "slice", "round", "sort", "range", "get"}  # may go without the last

LEAVES = {
    "t": ["input.s", '"x"', "''", '"b,a"', "'[1, 2]'", '"eA=="', '"é/ &"', '" 7 "', '"5"', "'yes'"],
    "l": ["input.l", "input.nums", "input.words", "input.rows", "[]", "[2, 1]", '["b"]'],
    "n": ["input.n", "input.f", "0", "1", "2.5", "1e2", "input.big", "7"],
    "o": ["input.o", "{}", '{"k": 1}', "{'s': input.s, \"n\": 2}", "upstream.st"],
    "p": ['"a"', '"o.k"', '"0"', "'n'", '"o.l.0"'],
    "i": ["0", "1", "2", "-1", "3"],
    "a": ["true", "False", "null", "input.nope", "upstream.off", 'upstream["st"]', "input",
          "input.o.if", "input.z", "input.t", "upstream.off.x"],
}  # fmt: skip
LEAVES["a"] += [leaf for kind in "tlno" for leaf in LEAVES[kind]]

#: What gives a value of each kind; None stands for an operator.
GIVERS = {
    "t": ["upper", "lower", "title", "trim", "replace", "join", "string", "str", "tojson",
          "urlencode", "b64encode", "b64decode", "sha256", "slice", "+"],
    "l": ["split", "slice", "sort", "reverse", "unique", "flatten", "range", "keys", "values",
          "map", "where", "list", "+"],
    "n": ["length", "len", "int", "float", "abs", "floor", "ceil", "round", "sum", "+", "-", "*",
          "/", "//", "%", "negative"],
    "o": ["merge", "object"],
    "p": [],
    "i": [],
    "a": ["default", "defined", "startswith", "endswith", "contains", "bool", "min", "max", "first",
          "last", "get", "any", "all", "fromjson", "==", "!=", "<", "<=", ">", ">=", "in", "not in",
          "and", "or", "not", "if", ".n", ".o", "[0]", "[-1]", '["o"]', "[input.n]", "t", "l", "n"],
}  # fmt: skip

#: How tightly each operator binds: its own level, then what its operands must bind at least.
LEVELS = {
    "if": (0, 1, 1, 0), "or": (1, 1, 2), "and": (2, 2, 3), "not": (3, 3), "negative": (7, 7),
    **dict.fromkeys(["==", "!=", "<", "<=", ">", ">=", "in", "not in"], (4, 5, 5)),
    **dict.fromkeys("+-", (5, 5, 6)),
    **dict.fromkeys(["*", "/", "//", "%"], (6, 6, 7)),
}  # fmt: skip
POSTFIX = 8


class Writer:
    """Draws one expression, the loosest part first. `left` bounds its size."""

    def __init__(self, draw: Callable[..., Any], left: int) -> None:
        self.draw = draw
        self.left = left

    def one_of(self, choices: list[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, of_ten: int) -> bool:
        return bool(self.one_of([False] * (10 - of_ten) + [True] * of_ten))

    def part(self, kind: str, level: int = 0) -> str:
        """A text that binds at least so tightly."""
        if self.chance(1):
            kind = "a"  # which may be what is not wanted here
        text, own = self.any(kind)
        return text if own >= level and not self.chance(1) else f"({text})"

    def any(self, kind: str) -> tuple[str, int]:
        """A text of this kind, and how tightly it binds."""
        self.left -= 1
        if self.left <= 0 or not GIVERS[kind] or self.chance(2):
            return str(self.one_of(LEAVES[kind])), POSTFIX
        giver = self.one_of(GIVERS[kind])
        if giver in LEAVES:
            return self.any(giver)
        if giver in LEVELS:
            return self.operation(giver, kind), LEVELS[giver][0]
        return self.tight(giver), POSTFIX

    def operation(self, mark: str, kind: str) -> str:
        levels = LEVELS[mark][1:]
        if mark == "if":
            value, condition, other = (self.part("a", level) for level in levels)
            return f"{value} if {condition} else {other}"
        if len(levels) == 1:
            return f"{'-' if mark == 'negative' else 'not '}{self.part(kind, *levels)}"
        if mark in ("<", "<=", ">", ">="):
            kind = self.one_of(["n", "t"])
        kinds = ("a", self.one_of(["l", "o"])) if mark in ("in", "not in") else (kind, kind)
        left, right = (self.part(*pair) for pair in zip(kinds, levels, strict=True))
        spaces = self.one_of([" ", "  ", "\n"])
        return f"{left}{spaces}{mark.replace(' ', spaces)} {right}"

    def tight(self, giver: str) -> str:
        """A call, a filter, a member, a list or an object."""
        if giver == "list":
            return f"[{self.part('a')}, {self.part('n')}]"
        if giver == "object":
            return f"{{{json.dumps(self.one_of(['n', 'k']))}: {self.part('a')}}}"
        if giver not in TAKES:
            return self.part(self.one_of(["o", "l"]), POSTFIX) + str(giver)
        kinds = TAKES[giver]
        if giver in FEWER and self.chance(4):
            kinds = kinds[:-1]
        if self.chance(5):
            return f"{giver}({', '.join(map(self.part, kinds))})"
        arguments = ", ".join(map(self.part, kinds[1:]))
        first = self.part(kinds[0], POSTFIX)
        return f"{first} | {giver}" + (f"({arguments})" if arguments else "")


@st.composite
def expressions(draw: Callable[..., Any]) -> str:
    """An expression that can be read, and may fail."""
    return Writer(draw, draw(st.sampled_from([4, 10, 20]))).part("a")
