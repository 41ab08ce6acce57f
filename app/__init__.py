"""FlowMason Studio. The API is imported inside the calls, so that a worker never loads Flask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

__version__ = "1.0.0"

__all__ = ["__version__", "create_app", "run_server"]


def create_app(**options: Any) -> Flask:
    """The WSGI application of the API alone; the options are those of `app.api.create_app`.

    Raises config.BadSettings when a required setting is missing.
    """
    from app.api import create_app as create

    return create(**options)


def run_server(host: str = "127.0.0.1", port: int = 8999) -> None:
    """Starts what `fm studio start` starts, and blocks until it is stopped.

    Raises SystemExit(1), after a sentence on standard error, when the start is refused.
    """
    from app.cli.studio import run_in_foreground

    run_in_foreground(host=host, port=port)
