"""`fm ci`: holds recorded runs against a changed document and says what differs."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from app.cli.client import Client
from app.cli.comparing.asking import comparisons_of, results_of, terms_of
from app.cli.comparing.choosing import Wanted, find_runs, read_wanted
from app.cli.comparing.comparison import Comparison, Terms
from app.cli.comparing.costs import is_too_much
from app.cli.comparing.results import write_report
from app.cli.comparing.telling import report, told_too_much, total_cost
from app.cli.exits import COMPLETED, FAILED, INTERRUPTED, OF_RUNS, exiting
from app.cli.options import reaches_studio
from app.cli.output import note, one_line
from app.cli.testing.asking import resolved_document
from app.cli.testing.telling import Result
from app.core.wire import JSON


def _percent(ctx: click.Context, option: click.Parameter, given: float | None) -> float | None:
    if given is not None and not math.isfinite(given):
        raise click.BadParameter(f"{given} is no percentage.")
    return given


@click.command()
@click.option(
    "--runs",
    "wanted",
    metavar="last:N|RUN,RUN...",
    required=True,
    callback=read_wanted,
    help="The newest N completed and failed runs of the pipeline, or those named; at most 100.",
)
@click.option(
    "--pipeline",
    "path",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True),
    help="The changed *.pipeline.json; it is not saved.",
)
@click.option(
    "--allow",
    "allowed",
    metavar="STAGE",
    multiple=True,
    help="What differs in this stage is told and does not count; may be given several times.",
)
@click.option(
    "--max-cost-increase",
    "percent",
    metavar="PERCENT",
    type=click.FloatRange(min=0),
    callback=_percent,
    help="The cost of all runs together may rise by so much.",
)
@click.option(
    "--live",
    metavar="STAGE",
    multiple=True,
    help="Execute this stage for real rather than answer for it; may be given several times.",
)
@click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Also write the results as JUnit XML.",
)
@exiting(OF_RUNS)
@reaches_studio
def ci(
    client: Client,
    wanted: Wanted,
    path: Path,
    allowed: tuple[str, ...],
    percent: float | None,
    live: tuple[str, ...],
    junit: Path | None,
) -> None:
    """Hold recorded runs against a changed pipeline.

    Each run is executed again as a test of the document in FILE, with its input; what reaches out,
    asks a model or runs another pipeline is answered by what was recorded. Told are the outputs,
    costs and durations that differ, by stage. The output of a run counts unless the stages are
    allowed that it is taken from; a stage that is new counts only by what it changes in others.
    Runs of tests, replays and what-ifs are no recordings.

    \b
    Exit 0: no output differs, but for what is allowed
         1: an output differs, a run could not be carried out, or the cost rises too much
         2: usage, there are no such runs, or the document was refused
         4: no Studio answers
       130: Ctrl-C; tests that are begun go on
    """
    document = resolved_document(client, path)
    _check_live(document, live)
    run_ids = find_runs(client, wanted, str(document["name"]))
    terms = terms_of(client, document, allowed, live)
    results = results_of(client, document, run_ids, live)
    comparisons = _compared(client, results, terms)
    too_much = _too_much(comparisons, percent)
    for line in [*report(comparisons), *([too_much] if too_much else [])]:
        click.echo(line)
    _note_unknown(comparisons, terms)
    if junit is not None:
        write_report(comparisons, results, too_much, junit)
    is_good = too_much is None and all(each.is_good for each in comparisons)
    click.get_current_context().exit(COMPLETED if is_good else FAILED)


def _compared(client: Client, results: Result, terms: Terms) -> list[Comparison]:
    try:
        return list(comparisons_of(client, results, terms))
    except KeyboardInterrupt:
        # What was not compared to its end says nothing, least of all that outputs differ.
        click.get_current_context().exit(INTERRUPTED)


def _too_much(comparisons: Sequence[Comparison], percent: float | None) -> str | None:
    """The sentence that the cost rises more than it may; None when it does not."""
    if percent is None or not is_too_much(total_cost(comparisons), percent):
        return None
    return told_too_much(comparisons, percent)


def _check_live(document: dict[str, JSON], live: Collection[str]) -> None:
    stage_ids = {stage["id"] for stage in document["stages"]}
    for each in live:
        if each not in stage_ids:
            raise click.UsageError(one_line(f"--live: the document has no stage {each}."))


def _note_unknown(comparisons: Sequence[Comparison], terms: Terms) -> None:
    # A stage that is gone is known by the recordings alone, which are read last.
    known = {sums.stage_id for each in comparisons for sums in each.stages}.union(terms.order)
    for each in terms.allowed:
        if each not in known:
            note(one_line(f"--allow: neither the document nor a run has a stage {each}."))
