"""One evaluation: where names come from, what it may still spend, and how it fails."""

from __future__ import annotations

from typing import Protocol

import orjson

from app.core.errors import StageError
from app.core.wire import JSON

MAX_STEPS = 100_000
MAX_MADE_BYTES = 1_048_576
_SHOWN = 200  # characters of an expression that a message shows


class Names(Protocol):
    """Gives an expression the values of its names, as late as it asks for them."""

    def root(self, name: str) -> JSON:
        """The value of a root. Raises KeyError when it has none."""
        ...

    def upstream(self, stage_id: str) -> JSON:
        """The output of a stage, null when it was skipped. Raises KeyError when unknown."""
        ...


class Purse(Protocol):
    """Something that counts work."""

    def spend(self, steps: int) -> None:
        """Counts work that is about to be done; raises when there is too much of it."""
        ...


class Refused(Exception):
    """The evaluation cannot go on; the message says why."""


class Missing(Refused):
    """Nothing stands where the expression looks: what `default` and `defined` forgive."""


class ExpressionError(StageError):
    """An expression failed. `pointer` is its place within the value it was part of."""

    def __init__(self, reason: str, expression: str, pointer: str = "") -> None:
        shown = expression if len(expression) <= _SHOWN else expression[:_SHOWN] + "..."
        place = f"At {pointer}: " if pointer else ""
        super().__init__("EXPRESSION", f"{place}{{{{ {shown} }}}} failed: {reason}.")
        self.reason = reason
        self.expression = expression
        self.pointer = pointer

    def at_pointer(self, pointer: str) -> ExpressionError:
        """The same failure, told of its place."""
        return ExpressionError(self.reason, self.expression, pointer)


class State:
    """What one evaluation carries. `steps` are left to spend, `made_bytes` of text were made."""

    __slots__ = ("made_bytes", "names", "steps")

    def __init__(self, names: Names, steps: int) -> None:
        self.names = names
        self.steps = steps
        self.made_bytes = 0

    def spend(self, steps: int) -> None:
        """Counts work that is about to be done. Raises Refused when there is too much of it."""
        self.steps -= steps
        if self.steps < 0:
            raise Refused(f"it takes more than {MAX_STEPS} steps")

    def allow(self, characters: int) -> None:
        """Raises Refused when a text of so many characters may not be made."""
        if characters > MAX_MADE_BYTES:
            raise Refused(f"it makes a value of more than {MAX_MADE_BYTES} bytes")

    def made(self, text: str) -> str:
        """A text just made, counted. Raises Refused when it is too long."""
        self.allow(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")))
        self.made_bytes += len(text)
        return text

    def gathered(self, value: JSON) -> JSON:
        """An array or object just made. Raises Refused when it holds too much made text.

        What an evaluation only refers to does not count, so there is nothing to measure until it
        has made enough.
        """
        if self.made_bytes > MAX_MADE_BYTES:
            self.allow(measure(value, MAX_MADE_BYTES, self))
        return value

    def json_text(self, value: JSON) -> str:
        """Compact JSON, measured before it is written. Raises Refused."""
        self.allow(measure(value, MAX_MADE_BYTES, self))
        try:
            return self.made(orjson.dumps(value).decode())
        except TypeError:
            raise Refused("the value has no JSON text") from None

    def text(self, value: JSON) -> str:
        """A value as it stands in a text: null is empty, containers are compact JSON."""
        kind = type(value)
        if kind is str:
            return str(value)
        if value is None:
            return ""
        if kind is int:
            return str(value)
        return self.json_text(value)


def measure(value: JSON, limit_bytes: int, purse: Purse | None = None) -> int:
    """At least how many bytes the JSON text of `value` has; stops soon after `limit_bytes`.

    Each element and member is a step of `purse`, when one is given. Never recursive.
    """
    stack, size = [value], 0
    while stack and size <= limit_bytes:
        item = stack.pop()
        kind = type(item)
        if kind is str:
            size += len(item) + 2
        elif kind is list or kind is dict:
            size += 2 + len(item)
            if purse is not None:
                purse.spend(len(item))
            if size > limit_bytes:
                break
            if kind is dict:
                size += sum(map(len, item)) + 3 * len(item)
                stack.extend(item.values())
            else:
                stack.extend(item)
        else:
            size += 1
    return size
