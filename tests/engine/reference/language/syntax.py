"""The grammar of contract 01, read into trees of tuples, one function for each line of it."""

from __future__ import annotations

from typing import Any

from tests.engine.reference.language.tokens import Unreadable, tokens_of

Tree = tuple[Any, ...]

KEYWORDS = {
    "and",
    "or",
    "not",
    "in",
    "if",
    "else",
    "true",
    "false",
    "null",
    "True",
    "False",
    "None",
}
CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
ROOTS = {"input", "upstream", "context", "vars", "env"}
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in")
#: name -> fewest and most arguments; None: any number
ARITY = {
    "default": (2, 2), "defined": (1, 1), "length": (1, 1), "len": (1, 1), "upper": (1, 1),
    "lower": (1, 1), "title": (1, 1), "trim": (1, 1), "replace": (3, 3), "split": (2, 2),
    "join": (1, 2), "startswith": (2, 2), "endswith": (2, 2), "contains": (2, 2), "slice": (2, 3),
    "string": (1, 1), "str": (1, 1), "int": (1, 1), "float": (1, 1), "bool": (1, 1), "abs": (1, 1),
    "floor": (1, 1), "ceil": (1, 1), "round": (1, 2), "min": (1, 1), "max": (1, 1), "sum": (1, 1),
    "first": (1, 1), "last": (1, 1), "sort": (1, 2), "reverse": (1, 1), "unique": (1, 1),
    "flatten": (1, 1), "range": (1, 2), "keys": (1, 1), "values": (1, 1), "get": (2, 3),
    "merge": (2, 2), "map": (2, 2), "where": (3, 3), "any": (1, 1), "all": (1, 1), "tojson": (1, 1),
    "fromjson": (1, 1), "urlencode": (1, 1), "b64encode": (1, 1), "b64decode": (1, 1),
    "sha256": (1, 1),
}  # fmt: skip


def read(text: str, roots: set[str] = ROOTS) -> Tree:
    """The tree of an expression that may use these roots. Raises Unreadable."""
    reader = _Reader(tokens_of(text), roots)
    tree = reader.expr()
    reader.expect("end")
    return tree


class _Reader:
    def __init__(self, tokens: list[tuple[str, Any]], roots: set[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.roots = roots

    def next_is(self, *words: str, ahead: int = 0) -> bool:
        """Whether a mark or keyword comes next."""
        if self.at + ahead >= len(self.tokens):
            return False
        kind, word = self.tokens[self.at + ahead]
        return kind in words or (kind == "name" and word in words and word in KEYWORDS)

    def take(self) -> Any:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def expect(self, *words: str) -> Any:
        if not self.next_is(*words):
            raise Unreadable(f"{words} expected, not {self.tokens[self.at]}")
        return self.take()

    def expr(self) -> Tree:
        value = self.either("or", self.conjunction)
        if not self.next_is("if"):
            return value
        self.take()
        condition = self.either("or", self.conjunction)
        self.expect("else")
        return ("if", condition, value, self.expr())

    def either(self, word: str, operand: Any) -> Tree:
        tree = operand()
        while self.next_is(word):
            self.take()
            tree = (word, tree, operand())
        return tree

    def conjunction(self) -> Tree:
        return self.either("and", self.negation)

    def negation(self) -> Tree:
        if self.next_is("not"):
            self.take()
            return ("not", self.negation())
        return self.comparison()

    def comparison(self) -> Tree:
        left = self.sum()
        if self.next_is("not") and self.next_is("in", ahead=1):
            self.take(), self.take()
            return ("not", ("in", left, self.sum()))
        if self.next_is(*COMPARISONS):
            return (self.take(), left, self.sum())
        return left

    def sum(self) -> Tree:
        tree = self.product()
        while self.next_is("+", "-"):
            tree = (self.take(), tree, self.product())
        return tree

    def product(self) -> Tree:
        tree = self.unary()
        while self.next_is("*", "/", "//", "%"):
            tree = (self.take(), tree, self.unary())
        return tree

    def unary(self) -> Tree:
        if self.next_is("-"):
            self.take()
            return ("negative", self.unary())
        return self.postfix()

    def postfix(self) -> Tree:
        tree = self.primary()
        while self.next_is(".", "[", "|"):
            mark = self.take()
            if mark == ".":
                tree = ("member", tree, ("constant", self.member_name()))
            elif mark == "[":
                tree = ("member", tree, self.expr())
                self.expect("]")
            else:
                name = self.expect("name")
                tree = self.call(name, [tree, *(self.arguments() if self.next_is("(") else [])])
        return tree

    def member_name(self) -> str:
        name: str = self.expect("name")
        if name.startswith("__"):
            raise Unreadable("names that begin with __ are refused")
        return name

    def call(self, name: str, arguments: list[Tree]) -> Tree:
        if name not in ARITY:
            raise Unreadable(f"{name} is no function")
        fewest, most = ARITY[name]
        if not fewest <= len(arguments) <= most:
            raise Unreadable(f"{name} takes {fewest} to {most} arguments")
        return ("call", name, arguments)

    def arguments(self) -> list[Tree]:
        self.expect("(")
        return self.several(")")

    def several(self, end: str) -> list[Tree]:
        found: list[Tree] = []
        while not self.next_is(end):
            if found:
                self.expect(",")
            found.append(self.expr())
        self.take()
        return found

    def primary(self) -> Tree:
        kind, word = self.tokens[self.at]
        if kind == "number":
            self.take()
            return ("constant", float(word) if set(word) & set(".eE") else int(word))
        if kind == "string":
            return ("constant", self.take())
        if self.next_is(*CONSTANTS):
            return ("constant", CONSTANTS[self.take()])
        if self.next_is("("):
            self.take()
            tree = self.expr()
            self.expect(")")
            return tree
        if self.next_is("["):
            self.take()
            return ("list", self.several("]"))
        if self.next_is("{"):
            return self.object()
        if kind != "name" or word in KEYWORDS:
            raise Unreadable(f"{word!r} begins nothing")
        return self.named()

    def object(self) -> Tree:
        self.take()
        names: list[str] = []
        members: list[Tree] = []
        while not self.next_is("}"):
            if members:
                self.expect(",")
            names.append(self.expect("string"))
            self.expect(":")
            members.append(self.expr())
        self.take()
        return ("object", names, members)

    def named(self) -> Tree:
        name = self.take()
        if self.next_is("("):
            return self.call(name, self.arguments())
        if name not in self.roots:
            raise Unreadable(f"{name} is no root")
        return self.upstream() if name == "upstream" else ("root", name)

    def upstream(self) -> Tree:
        if self.next_is("."):
            self.take()
            return ("upstream", self.member_name())
        self.expect("[")
        stage_id = self.expect("string")
        self.expect("]")
        return ("upstream", stage_id)
