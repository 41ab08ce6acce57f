"""Which recorded runs a changed document is held against."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import click

from app.cli.client import Client, pipeline_path, run_path
from app.cli.home import Refused
from app.cli.output import one_line
from app.cli.runs.naming import known
from app.core.ids import is_id
from app.core.states import RunStatus, TriggerType

MOST = 100  # tests of a suite

_NEWEST = re.compile(r"last:([0-9]+)\Z")
_STATUSES = (RunStatus.COMPLETED.value, RunStatus.FAILED.value)
#: Runs that did not come to all of their outputs by executing the pipeline as it was.
_DERIVED = (TriggerType.TEST, TriggerType.WHAT_IF, TriggerType.REPLAY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The newest so many runs, or else those of the ids."""

    newest: int = 0
    ids: tuple[str, ...] = ()


def read_wanted(ctx: click.Context, option: click.Parameter, given: str) -> Wanted:
    """`last:50`, or ids with commas between. Raises BadParameter."""
    if found := _NEWEST.match(given):
        digits = found[1]
        if len(digits) > len(str(MOST)) or not 1 <= int(digits) <= MOST:
            raise click.BadParameter(f"{given!r}: say last:1 to last:{MOST}.")
        return Wanted(newest=int(digits))
    ids = tuple(dict.fromkeys(each.strip() for each in given.split(",")))
    for each in ids:
        if not is_id(each, "run"):
            raise click.BadParameter(f"{each!r} is neither last:N nor the id of a run.")
    if len(ids) > MOST:
        raise click.BadParameter(f"These are {len(ids)} runs; at most {MOST} are compared.")
    return Wanted(ids=ids)


def find_runs(client: Client, wanted: Wanted, pipeline: str) -> Sequence[str]:
    """The ids of the runs, the newest first or as they were named; of the pipeline with this name.

    Raises Refused when there is none, or one that was named cannot be compared.
    """
    if wanted.ids:
        for run_id in wanted.ids:
            _check(client, run_id)
        return wanted.ids
    with known("pipeline", pipeline):
        pipeline_id = client.get(pipeline_path(pipeline))["id"]
    query = {"pipeline_id": pipeline_id, "status": _STATUSES}
    listed = client.pages("/api/v1/runs", query, size=wanted.newest)
    found = list(islice((run["id"] for run in listed if not _is_derived(run)), wanted.newest))
    if not found:
        raise Refused(one_line(f"--runs: {pipeline} has no run that completed or failed."))
    return found


def _check(client: Client, run_id: str) -> None:
    with known("run", run_id):
        run = client.get(run_path(run_id))
    if run["status"] not in _STATUSES:
        raise Refused(f"--runs: {run_id} is {run['status']}; it must have completed or failed.")
    if _is_derived(run):
        kind = run["trigger"]["type"].replace("_", "-")
        raise Refused(f"--runs: {run_id} is a {kind}, which is no recording of the pipeline.")


def _is_derived(run: dict[str, Any]) -> bool:
    return run["trigger"]["type"] in _DERIVED
