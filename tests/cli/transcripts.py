"""What `fm debug` sent to the run, and printed, command by command."""

from __future__ import annotations

from tests.cli.scripted import RUN_ID


def after(done, line):
    """The lines that answer the last command that is `line`."""
    lines = done.stdout.splitlines()
    at = max(n for n, each in enumerate(lines) if each.endswith(f") {line}"))
    rest = lines[at + 1 :]
    return rest[: next((n for n, each in enumerate(rest) if each[:1] == "("), len(rest))]


def commanded(scripted):
    """The commands that the run was sent, in order."""
    run = f"/api/v1/runs/{RUN_ID}/"
    return [path.removeprefix(run) for method, path, _ in scripted.asked if method == "POST"]
