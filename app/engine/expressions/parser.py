"""Contract 01's grammar: tokens to nodes, by precedence climbing, nesting counted on the way."""

from __future__ import annotations

from app.engine.expressions import nodes, operators
from app.engine.expressions.cursor import Cursor
from app.engine.expressions.functions import FORGIVING, FUNCTIONS, arity
from app.engine.expressions.lexer import (
    KEYWORDS,
    ExpressionSyntaxError,
    Token,
    broken,
)
from app.engine.expressions.nodes import Node, Step
from app.engine.expressions.operators import Operation

ROOTS = frozenset({"input", "upstream", "context", "vars", "error", "env", "item", "index"})

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _UNARY = range(7)
_LEVELS = {
    **{"or": _OR, "and": _AND},
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not"), _COMPARISON),
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys(("*", "/", "//", "%"), _PRODUCT),
}
_OPERATIONS: dict[str, Operation] = {
    "==": operators.equal,
    "!=": operators.unequal,
    "<": operators.less,
    "<=": operators.at_most,
    ">": operators.greater,
    ">=": operators.at_least,
    "in": operators.within,
    "not": operators.not_within,
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "//": operators.floor_divide,
    "%": operators.modulo,
}
_CONSTANTS = {"true": True, "false": False, "null": None}


class Parser(Cursor):
    """Reads one expression; afterwards the names that it refers to stand in the sets.

    `members` are those of a root that are named outright, `whole` the roots used otherwise.
    """

    def __init__(self, text: str, roots: frozenset[str]) -> None:
        super().__init__(text)
        self.allowed = roots
        self.roots: set[str] = set()
        self.upstream: set[str] = set()
        self.members: dict[str, set[str]] = {"input": set(), "vars": set()}
        self.whole: set[str] = set()

    def parse(self) -> Node:
        """The whole text as one node. Raises ExpressionSyntaxError."""
        node = self._expression()
        if self._kind != "end":
            raise self._unexpected("the end of the expression")
        return node

    def _expression(self) -> Node:
        value = self._binary(_OR)
        choices: list[tuple[Node, Node]] = []
        # A chain of `else` is a list, not a nesting.
        while self._take("if"):
            choices.append((self._binary(_OR), value))
            self._expect("else")
            value = self._binary(_OR)
        return nodes.conditional(choices, value) if choices else value

    def _enclosed(self, end: str) -> Node:
        with self._nested():
            inner = self._expression()
        self._expect(end)
        return inner

    def _binary(self, floor: int) -> Node:
        left = self._prefixed(floor)
        while (level := _LEVELS.get(self._kind, -1)) >= floor:
            left = self._decided(left, level) if level < _NOT else self._computed(left, level)
        return left

    def _decided(self, left: Node, level: int) -> Node:
        word = self._kind
        operands = [left]
        while self._take(word):
            operands.append(self._binary(level + 1))
        return nodes.deciding(operands, wanted=level == _OR)

    def _computed(self, left: Node, level: int) -> Node:
        rest: list[tuple[Operation, Node]] = []
        while _LEVELS.get(self._kind) == level:
            if rest and level == _COMPARISON:
                raise broken("Comparisons do not chain", self._tokens[self._at].position)
            mark = self._next().kind
            if mark == "not":
                self._expect("in")
            rest.append((_OPERATIONS[mark], self._binary(level + 1)))
        return nodes.binary(left, rest)

    def _prefixed(self, floor: int) -> Node:
        if self._kind == "not" and floor <= _NOT:
            self._next()
            with self._nested():
                return nodes.negation(self._binary(_NOT))
        if self._take("-"):
            with self._nested():
                return nodes.minus(self._prefixed(_UNARY))
        return self._postfixed()

    def _postfixed(self) -> Node:
        token = self._tokens[self._at]
        if token.kind != "name":
            return self._followed(self._primary())
        self._next()
        if self._kind == "(":
            return self._called(token)
        if token.value not in self.allowed:
            reason = f"There is no root {token.value[:60]!r}"
            raise ExpressionSyntaxError("unknown-root", reason, token.position)
        self.roots.add(token.value)
        if token.value == "upstream":
            return self._followed(self._stage(token))
        keys = self._constant_keys()
        if token.value in self.members:
            self._refer_to_member(token.value, keys)
        return self._followed(nodes.root(token.value, keys))

    def _refer_to_member(self, root: str, keys: list[str]) -> None:
        if keys:
            self.members[root].add(keys[0])
        else:
            self.whole.add(root)

    def _stage(self, token: Token) -> Node:
        key = self._constant_key()
        if key is None:
            reason = "'upstream' must be followed by .STAGE or [\"STAGE\"]"
            raise broken(reason, token.position)
        self.upstream.add(key)
        return nodes.upstream(key)

    def _constant_keys(self) -> list[str]:
        keys: list[str] = []
        while (key := self._constant_key()) is not None:
            keys.append(key)
        return keys

    def _constant_key(self) -> str | None:
        """The name of a `.NAME` or `["NAME"]` that comes next."""
        if self._kind == ".":
            return self._member_name()
        ahead = self._tokens[self._at : self._at + 3]
        if [token.kind for token in ahead] != ["[", "string", "]"]:
            return None
        self._at += 3
        return str(ahead[1].value)

    def _member_name(self) -> str:
        self._expect(".")
        token = self._next()
        if token.kind != "name" and token.value not in KEYWORDS:
            raise broken("Expected a name", token.position)
        if token.value.startswith("__"):
            raise broken("A name may not start with two underscores", token.position)
        return str(token.value)

    def _called(self, name: Token) -> Node:
        """`f(x, a)`, read as `x | f(a)`."""
        self._next()
        known = self._arity(name)
        arguments = self._list(")")
        self._check_count(name, known, len(arguments))
        step, forgiving, cost = self._function_step(name.value, arguments[1:])
        first = arguments[0]
        called = nodes.chain(first, [step], [0] if forgiving else [], first.cost + cost)
        return self._followed(called)

    def _arity(self, name: Token) -> tuple[int, int]:
        known = arity(name.value)
        if known is None:
            reason = f"There is no function {name.value[:60]!r}"
            raise ExpressionSyntaxError("unknown-function", reason, name.position)
        return known

    def _check_count(self, name: Token, known: tuple[int, int], count: int) -> None:
        fewest, most = known
        if not fewest <= count <= most:
            numbers = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise broken(f"{name.value} takes {numbers} arguments, not {count}", name.position)

    def _function_step(self, name: str, arguments: list[Node]) -> tuple[Step, bool, int]:
        """The step, whether it takes a missing value, and its cost."""
        if name == "default":
            return nodes.default_step(arguments[0]), True, 1
        if name in FORGIVING:
            return nodes.defined_step, True, 1
        cost = 1 + sum(argument.cost for argument in arguments)
        return nodes.call_step(FUNCTIONS[name].call, arguments), False, cost

    def _followed(self, base: Node) -> Node:
        steps: list[Step] = []
        forgiving: list[int] = []
        cost = base.cost
        while self._kind in (".", "[", "|"):
            step, forgives, price = self._step()
            forgiving += [len(steps)] if forgives else []
            steps.append(step)
            cost += price
        return nodes.chain(base, steps, forgiving, cost) if steps else base

    def _step(self) -> tuple[Step, bool, int]:
        if self._kind == ".":
            return nodes.member_step(self._member_name()), False, 1
        if self._take("["):
            index = self._enclosed("]")
            return nodes.element_step(index), False, 1 + index.cost
        self._expect("|")
        name = self._expect("name", "the name of a filter")
        known = self._arity(name)
        arguments = self._list(")") if self._take("(") else []
        self._check_count(name, known, len(arguments) + 1)
        return self._function_step(name.value, arguments)

    def _primary(self) -> Node:
        token = self._next()
        if token.kind in ("number", "string"):
            return nodes.constant(token.value)
        if token.kind in _CONSTANTS:
            return nodes.constant(_CONSTANTS[token.kind])
        if token.kind == "(":
            return self._enclosed(")")
        if token.kind == "[":
            return nodes.array(self._list("]"))
        if token.kind == "{":
            return nodes.object_(self._separated("}", self._member))
        raise broken("Expected a value", token.position)

    def _list(self, end: str) -> list[Node]:
        return self._separated(end, self._expression)

    def _member(self) -> tuple[str, Node]:
        name = self._expect("string", "the name of a member as a string")
        self._expect(":")
        return str(name.value), self._expression()
