"""What `fm debug` printed, command by command."""

from __future__ import annotations


def after(done, line):
    """The lines that answer the last command that is `line`."""
    lines = done.stdout.splitlines()
    at = max(n for n, each in enumerate(lines) if each.endswith(f") {line}"))
    rest = lines[at + 1 :]
    return rest[: next((n for n, each in enumerate(rest) if each[:1] == "("), len(rest))]
