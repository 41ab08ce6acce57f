"""`fm test`: runs the tests of a pipeline and tells how they turned out."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.client import Client
from app.cli.exits import COMPLETED, FAILED, OF_RUNS, exiting
from app.cli.options import as_json, reaches_studio
from app.cli.output import print_json
from app.cli.testing.asking import ask_by_file, ask_by_run
from app.cli.testing.junit import write_junit
from app.cli.testing.telling import Result, reasons, report
from app.cli.testing.waiting import wait_for_results


@click.command()
@click.argument("what", metavar="[PATH|PIPELINE]", required=False)
@click.option(
    "--from-run",
    "from_run",
    metavar="RUN",
    help="Of this recorded run: a test of its own, or input and mocks for those of PATH.",
)
@click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Also write the results as JUnit XML.",
)
@as_json
@exiting(OF_RUNS)
@reaches_studio
def test(
    client: Client, what: str | None, from_run: str | None, junit: Path | None, as_json: bool
) -> None:
    """Run pipeline tests and wait for their results.

    PATH is a *.test.json file: what POST /api/v1/tests/run takes, in which pipeline_id may also be
    the path of a *.pipeline.json beside it, which is tested without being saved. With --from-run a
    recorded run is tested, of PIPELINE when one is named: that it gives the same output again.

    \b
    Exit 0: all tests passed, or were skipped
         1: a test failed, or could not be carried out
         2: usage, or the tests or their pipeline were refused
         4: no Studio answers
       130: Ctrl-C; the tests go on
    """
    if what is None and from_run is None:
        raise click.UsageError("Give the path of a *.test.json, or --from-run.")
    if what is not None and _is_file(what):
        test_id = ask_by_file(client, Path(what), from_run)
    elif from_run is not None:
        test_id = ask_by_run(client, what, from_run)
    else:
        raise click.UsageError(f"{what} is no file: of a pipeline alone say --from-run.")
    results = wait_for_results(client, test_id)
    _tell(results, as_json, junit)
    click.get_current_context().exit(COMPLETED if results["status"] == "passed" else FAILED)


def _is_file(what: str) -> bool:
    return "/" in what or what.endswith(".json")


def _tell(results: Result, as_json: bool, junit: Path | None) -> None:
    if as_json:
        print_json(results)
    else:
        for line in report(results):
            click.echo(line)
    if junit is not None:
        write_junit(results, junit, "fm test", reasons)
