"""The words of an expression."""

from __future__ import annotations

import re
from typing import Any

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
STRING = re.compile(r"""'([^'\\]|\\.)*'|"([^"\\]|\\.)*\"""", re.DOTALL)
MARK = re.compile(r"==|!=|<=|>=|//|[-+*/%<>.,:|()\[\]{}]")
KINDS = {NAME: "name", NUMBER: "number", STRING: "string", MARK: ""}
ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
PLAIN = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}


class Unreadable(Exception):
    """The text is no expression."""


def tokens_of(text: str) -> list[tuple[str, Any]]:
    """Kind and word of each token; a mark is its own kind."""
    found, at = [], 0
    while at < len(text):
        if text[at] in " \t\r\n":
            at += 1
            continue
        match = next(filter(None, (pattern.match(text, at) for pattern in KINDS)), None)
        if match is None:
            raise Unreadable(f"{text[at]!r} means nothing")
        kind, word, at = KINDS[match.re], match[0], match.end()
        if kind == "number" and NAME.match(text, at):
            raise Unreadable("a number runs into a name")
        found.append((kind or word, _unquoted(word) if kind == "string" else word))
    return [*found, ("end", "")]


def _unquoted(literal: str) -> str:
    def plain(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] == "u" and len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in PLAIN:
            raise Unreadable(f"\\{escape} is no escape")
        return PLAIN[escape]

    text = ESCAPE.sub(plain, literal[1:-1])
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Unreadable("half a surrogate pair") from None
