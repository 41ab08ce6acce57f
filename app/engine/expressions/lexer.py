"""Text to tokens, and where a template ends."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from app.core.wire import MAX_INTEGER

MAX_CHARACTERS = 4096
KEYWORDS = {
    "and": "and",
    "or": "or",
    "not": "not",
    "in": "in",
    "if": "if",
    "else": "else",
    "true": "true",
    "false": "false",
    "null": "null",
    "True": "true",
    "False": "false",
    "None": "null",
}

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_])
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<mark>==|!=|<=|>=|//|[-+*/%<>.,:|()\[\]{}])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_PIECE = re.compile(r"""["'{}]""")
_QUOTED = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL),
}


class ExpressionSyntaxError(Exception):
    """An expression that cannot be read.

    `code` is template-syntax, unknown-root or unknown-function. `position` counts characters from
    the start of the string that holds the expression, which stands at `pointer`.
    """

    def __init__(self, code: str, reason: str, position: int, pointer: str = "") -> None:
        self.code = code
        self.reason = reason
        self.position = position
        self.pointer = pointer
        self.message = f"{reason} at character {position + 1}."
        super().__init__(self.message)

    def moved(self, by: int, pointer: str) -> ExpressionSyntaxError:
        """The same problem, seen from the string around it."""
        return ExpressionSyntaxError(self.code, self.reason, self.position + by, pointer)


def broken(reason: str, position: int) -> ExpressionSyntaxError:
    """A template-syntax problem."""
    return ExpressionSyntaxError("template-syntax", reason, position)


class Token(NamedTuple):
    """`kind` is name, number, string, end, or the keyword or mark itself."""

    kind: str
    value: Any
    position: int


def tokens(text: str) -> list[Token]:
    """The tokens of an expression, the last one `end`. Raises ExpressionSyntaxError."""
    if len(text) > MAX_CHARACTERS:
        raise broken(f"The expression is longer than {MAX_CHARACTERS} characters", MAX_CHARACTERS)
    found: list[Token] = []
    at = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        found.append(_token(match))
        at = match.end()
    return found


def _unreadable(text: str, at: int) -> ExpressionSyntaxError:
    while text[at] in " \t\r\n":
        at += 1
    if text[at] in "\"'":
        return broken("A string has no end", at)
    if text[at] in "0123456789":
        return broken("A number is not written as in JSON", at)
    return broken("A character has no meaning here", at)


def _token(match: re.Match[str]) -> Token:
    kind = str(match.lastgroup)
    text, at = match[kind], match.start(kind)
    if kind == "name":
        return Token(KEYWORDS.get(text, "name"), text, at)
    if kind == "number":
        return Token("number", _number(text, at), at)
    if kind == "string":
        return Token("string", _string(text[1:-1], at), at)
    return Token("end" if kind == "end" else text, text, at)


def _number(text: str, at: int) -> int | float:
    if text.isdigit():
        # Its length is looked at first: reading thousands of digits takes quadratic time.
        value = int(text) if len(text) <= 19 else MAX_INTEGER + 1
        if value > MAX_INTEGER:
            raise broken("An integer lies outside of 64 bits", at)
        return value
    number = float(text)
    if not math.isfinite(number):
        raise broken("A number is too large", at)
    return number


def _string(body: str, at: int) -> str:
    if "\\" in body:
        body = _ESCAPE.sub(lambda match: _unescaped(match, at), body)
    try:
        # Two halves written as escapes become the one character that they mean.
        return body.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise broken("A string holds half of a surrogate pair", at) from None


def _unescaped(match: re.Match[str], at: int) -> str:
    digits, single = match.groups()
    if digits:
        return chr(int(digits, 16))
    if single not in _ESCAPES:
        raise broken("A string holds an unknown escape", at + 1 + match.start())
    return _ESCAPES[single]


def template_end(text: str, start: int) -> int:
    """Where the template opened before `start` ends: the place of its `}}`, -1 when it has none.

    Braces of objects and everything inside string literals do not count.
    """
    depth, at = 0, start
    while (piece := _PIECE.search(text, at)) is not None:
        mark, at = piece[0], piece.end()
        if mark in _QUOTED:
            literal = _QUOTED[mark].match(text, piece.start())
            if literal is None:
                return -1
            at = literal.end()
        elif mark == "{":
            depth += 1
        elif depth:
            depth -= 1
        elif text.startswith("}", at):
            return piece.start()
    return -1
