"""Where an assertion looks: `output.items.0["odd key"]`; empty or `$` is the whole."""

from __future__ import annotations

import json
import re

_STEP = re.compile(
    r'(?:^|(?!^)\.)([^.\[\]"]+)'  # a name, or the index of an element
    r"|\[(-?[0-9]{1,18})\]"
    r'|\[("(?:[^"\\]|\\.)*")\]'  # a key, written as JSON
)


class BadPath(ValueError):
    """The text is no path."""


def read_path(text: str) -> tuple[str, ...]:
    """The steps of a path from the whole inwards, as `engine.paths.follow` takes them.

    Raises BadPath.
    """
    if text in ("", "$"):
        return ()
    rest = text[1:] if text.startswith("$[") else text.removeprefix("$.")
    steps, at = [], 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None:
            raise BadPath(f"This is no path from character {at + len(text) - len(rest) + 1} on.")
        steps.append(_step(*found.groups()))
        at = found.end()
    if not steps:
        raise BadPath("This is no path.")
    return tuple(steps)


def _step(name: str | None, index: str | None, key: str | None) -> str:
    if key is None:
        return name or index or ""
    try:
        return str(json.loads(key))
    except ValueError:
        raise BadPath(f"The key {key[:80]} is no JSON string.") from None
