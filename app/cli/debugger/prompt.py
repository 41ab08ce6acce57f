"""The lines that a person types, or a script holds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator


def is_script() -> bool:
    """Whether no person types: then nothing is asked, and nothing shown that is no answer."""
    return sys.stdin is None or not sys.stdin.isatty()


def read_lines(prompt: Callable[[], str], words: Callable[[], Iterable[str]]) -> Iterator[str]:
    """Each line with something in it, but for the comments of a script. On a terminal an empty line
    means the one before again, and the tabulator completes `words`."""
    if sys.stdin is None:
        return
    # What is no UTF-8 is an unknown command, and no crash.
    sys.stdin.reconfigure(errors="replace")
    if is_script():
        yield from (line for line in map(str.strip, sys.stdin) if line and line[0] != "#")
        return
    _complete(words)
    before = ""
    while True:
        try:
            before = input(prompt()).strip() or before
        except EOFError:
            print()
            return
        if before:
            yield before


def _complete(words: Callable[[], Iterable[str]]) -> None:
    try:
        import readline
    except ImportError:
        return  # Python was built without it

    def complete(text: str, state: int) -> str | None:
        fitting = [word for word in words() if word.startswith(text)]
        return f"{fitting[state]} " if state < len(fitting) else None

    readline.set_completer_delims(" ")
    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")
