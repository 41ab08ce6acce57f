"""Commands as `runs.control` holds them until they are obeyed."""

from __future__ import annotations

_STOP = "stop"


def stop(by: str | None = None) -> str:
    """To stop, asked by the user, OAuth client or API key with the id `by`, or by the house."""
    return f"{_STOP}:{by}" if by else _STOP


def is_stop(command: str | None) -> bool:
    """Whether the command is to stop."""
    return command is not None and command.partition(":")[0] == _STOP


def stopped_by(command: str | None) -> str | None:
    """The id of who asked to stop; None when nobody did."""
    return (command or "").partition(":")[2] or None if is_stop(command) else None
