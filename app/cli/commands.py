"""`fm` and its commands."""

from __future__ import annotations

import sys
from typing import Any

import click

from app.cli.ci import ci
from app.cli.control import pause, resume, step
from app.cli.debug import debug
from app.cli.demo import demo
from app.cli.deploy import deploy
from app.cli.home import Refused
from app.cli.list_runs import runs
from app.cli.logs import logs
from app.cli.pull import pull
from app.cli.run import run
from app.cli.stop import stop
from app.cli.studio import studio
from app.cli.test import test
from app.cli.validate import validate
from app.cli.watch import watch
from config import BadSettings


class _Group(click.Group):
    """A refusal of a command is a sentence on standard error and its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (Refused, BadSettings) as refused:
            click.echo(f"fm: {refused}", err=True)
            ctx.exit(getattr(refused, "exit_code", Refused.exit_code))


@click.group(cls=_Group)
@click.version_option(package_name="flowmason-studio", message="%(version)s")
def fm() -> None:
    """FlowMason Studio."""


for command in (studio, demo, validate, deploy, pull, run, test, ci, watch, runs, logs):
    fm.add_command(command)
for command in (pause, resume, step, stop, debug):
    fm.add_command(command)


def main() -> None:
    """Runs a command."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot show is shown by its number, and is no crash.
        stream.reconfigure(errors="backslashreplace")
    fm()
