"""`python -m migrations up|down|status|diff`: the schema at DATABASE_URL.

Exit 1 when `status` finds something pending, when `diff` finds a difference, or on an error.
"""

from __future__ import annotations

import sys

import click

import config
import migrations


def _url() -> str:
    return config.settings().database_url


def _tell(verb: str, names: list[str]) -> None:
    for name in names or ["nothing"]:
        click.echo(f"{verb} {name}")


@click.group()
def commands() -> None:
    """The schema of the database at DATABASE_URL."""


@commands.command()
@click.argument("target", required=False)
def up(target: str | None) -> None:
    """Apply what is pending, or only up to TARGET."""
    _tell("applied", migrations.up(_url(), target))


@commands.command()
@click.argument("target", required=False)
def down(target: str | None) -> None:
    """Revert the last migration, or back to TARGET and with it."""
    _tell("reverted", migrations.down(_url(), target))


@commands.command()
def status() -> None:
    """List the migrations; exit 1 when one is pending."""
    steps = migrations.status(_url())
    for step in steps:
        click.echo(f"{'applied' if step.applied else 'pending'} {step.name}")
    sys.exit(any(not step.applied for step in steps))


@commands.command()
def diff() -> None:
    """Compare the schema with the models; exit 1 when they differ."""
    difference = migrations.diff(_url())
    click.echo(difference or "the schema matches the models")
    sys.exit(bool(difference))


def main() -> None:
    """Runs the command and turns a refusal into a sentence."""
    try:
        commands()
    except (config.BadSettings, migrations.CannotMigrate) as refused:
        sys.exit(f"migrations: {refused}")


if __name__ == "__main__":
    main()
