"""The command line: `fm`. Starts and stops the processes; everything else speaks HTTP."""

from app.cli.commands import main

__all__ = ["main"]
